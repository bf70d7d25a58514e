"""Pulumi's CLI as recorded: a stand-in that notes what it is asked and replays the CLI's answers.

It shows that the calls are those that the CLI takes, and that answers in its form are understood,
and not that a stack can be brought up.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

VERSION = "v3.272.0\n"
HISTORY = [
    {
        "kind": "update",
        "startTime": "2026-05-01T12:00:00.000Z",
        "endTime": "2026-05-01T12:01:00.000Z",
        "message": "",
        "environment": {},
        "config": {},
        "result": "succeeded",
        "version": 3,
        "resourceChanges": {"create": 2, "same": 200, "update": 1},
    }
]
FLAG = "--non-interactive"
"""What every call has, but for the one that asks which version it is."""
NOTED = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "PATCHWORKS_LOOKS_AT")
REPLAYING = """#!{python} -I
import json, os, pathlib, sys

home = pathlib.Path({home!r})
given = sys.argv[1:]
noted = {{name: os.environ.get(name) for name in {noted!r}}}
call = {{"given": given, "directory": os.getcwd(), "environment": noted}}
with (home / "calls.jsonl").open("a") as file:
    file.write(json.dumps(call) + "\\n")
words = [word for word in given if word != {flag!r}]
for answer in json.loads((home / "answers.json").read_text()):
    if words[: len(answer["to"])] == answer["to"]:
        break
else:
    sys.exit("error: no answer to " + " ".join(words))
if "--event-log" in words and answer.get("events"):
    import grpc
    from pulumi.runtime.proto import events_pb2, events_pb2_grpc

    address = words[words.index("--event-log") + 1].removeprefix("tcp://")
    requests = [events_pb2.EventRequest(event=json.dumps(event)) for event in answer["events"]]
    with grpc.insecure_channel(address) as channel:
        events_pb2_grpc.EventsStub(channel).StreamEvents(iter(requests))
sys.stdout.write(answer.get("says", ""))
sys.stderr.write(answer.get("fails", ""))
sys.exit(255 if answer.get("fails") else 0)
"""


@dataclass(frozen=True)
class Call:
    """One call of the CLI."""

    given: list[str]
    directory: str
    environment: dict[str, str | None]

    @property
    def arguments(self) -> list[str]:
        """What was given, without the flag that all have."""
        assert FLAG in self.given or self.given == ["version"]
        return [word for word in self.given if word != FLAG]

    @property
    def stack(self) -> str:
        """The stack that was named; empty where none was."""
        words = self.given
        return words[words.index("--stack") + 1] if "--stack" in words else ""


class RecordedPulumi:
    """The stand-in's answers, and what it was asked."""

    def __init__(self, home: Path, usual: Sequence[Mapping[str, Any]]) -> None:
        self.programs = home / "bin"
        self._home, self._usual = home, usual
        text = REPLAYING.format(python=sys.executable, home=str(home), noted=NOTED, flag=FLAG)
        write_program(self.programs, text)
        self.answers()

    def answers(self, *answers: Mapping[str, Any]) -> None:
        """Answer the usual way but for these: the first that is `to` what was asked.

        What it `says`, what it `fails` with, and `events` for whoever asked for a log of them.
        """
        (self._home / "answers.json").write_text(json.dumps([*answers, *self._usual]))

    @property
    def calls(self) -> list[Call]:
        lines = (self._home / "calls.jsonl").read_text().splitlines()
        return [Call(**json.loads(line)) for line in lines]

    def asked(self, *words: str) -> list[Call]:
        """The calls that begin with these words."""
        return [call for call in self.calls if call.arguments[: len(words)] == [*words]]


def write_program(directory: Path, text: str) -> None:
    """Write a program of that name into a directory."""
    directory.mkdir(exist_ok=True)
    program = directory / "pulumi"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def on_path(
    home: Path, usual: list[Mapping[str, Any]], patch: pytest.MonkeyPatch
) -> RecordedPulumi:
    """The stand-in as the CLI that this process finds."""
    made = RecordedPulumi(home, usual)
    patch.setenv("PATH", f"{made.programs}{os.pathsep}{os.environ['PATH']}")
    return made
