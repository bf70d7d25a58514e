"""Pulumi's CLI by its recorded contract: what it is asked to bring up, the rehearsal brings up.

It takes the arguments that the Automation API gives the CLI, and answers in the CLI's form. The
engine is not there: no plugin, no state of Pulumi's and no lock of its backend is shown here.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from multiprocessing.connection import Listener
from pathlib import Path
from typing import TYPE_CHECKING

from journeys import Silent

from catalog.load import load
from rehearsal.errors import ProgramError
from rehearsal.rehearse import Rehearsal
from rehearsal.servers.process import Locked
from tests.recorded_pulumi import HISTORY, NOTED, VERSION, Call, write_program

if TYPE_CHECKING:
    from rehearsal.local_cloud import LocalCloud

PROGRAM = """#!{python} -I
import os, sys
from multiprocessing.connection import Client

noted = {{name: os.environ.get(name) for name in {noted!r}}}
with Client({address!r}) as wire:
    wire.send((sys.argv[1:], os.getcwd(), noted))
    said, fault = wire.recv()
sys.stdout.write(said)
sys.exit(fault or None)
"""
BUSY_SECONDS = 600.0


class RehearsingCli:
    """Answers the calls of a program that only passes them on, one after the other."""

    def __init__(self, programs: Path, cloud: LocalCloud, made: list[str]) -> None:
        """The program is written into `programs`; `made` are the stacks that somebody has made."""
        self.calls: list[Call] = []
        self._cloud, self._made = cloud, made
        self._listener = Listener(family="AF_UNIX")
        text = PROGRAM.format(
            python=sys.executable, noted=NOTED, address=str(self._listener.address)
        )
        write_program(programs, text)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def brought_up(self) -> list[str]:
        """The stacks that were brought up, in order."""
        return [call.stack for call in self.calls if call.arguments[0] == "up"]

    def _serve(self) -> None:
        while True:
            # Who asks may be killed at any moment, and others ask afterwards.
            with contextlib.suppress(EOFError, OSError), self._listener.accept() as wire:
                call = Call(*wire.recv())
                self.calls.append(call)
                try:
                    said = self._answer(call), ""
                except (ProgramError, LookupError, Locked) as error:
                    said = "", f"error: {error}"
                wire.send(said)

    def _answer(self, call: Call) -> str:
        """What the CLI prints; raises what it would refuse."""
        given, stack = call.arguments, call.stack
        if stack and stack not in self._made:
            raise LookupError(f"no stack named '{stack}' found")
        match given[:2]:
            case ["version"]:
                return VERSION
            case ["stack", "select"]:
                return ""
            case ["stack", "ls"]:
                return json.dumps([{"name": name, "current": False} for name in self._made])
            case ["stack", "output"]:
                return json.dumps(self._outputs(stack), default=lambda _: "[secret]")
            case ["stack", "history"]:
                return json.dumps(HISTORY)
            case ["up", *_]:
                return self._bring_up(Path(call.directory), stack)
        raise LookupError(f"unknown command {given}")

    def _outputs(self, stack: str) -> dict[str, object]:
        if stack not in self._cloud.applied_stacks():
            return {}
        return dict(self._cloud.stack_outputs(stack))

    def _bring_up(self, checkout: Path, stack: str) -> str:
        with self._cloud.exclusively(BUSY_SECONDS):
            outcome = Rehearsal(load(checkout), self._cloud, Silent()).run_alone(stack)
        return "".join(f"    {count} {what}\n" for what, count in outcome.counts().items())
