"""Pulumi's CLI through its Automation API: whatever brings a stack up asks it here."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi import automation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


TURN_SECONDS = 1800.0
TURN_POLL_SECONDS = 2.0
_TRIES = 5


class CliError(Exception):
    """The CLI could not do what it was asked; the text says why and what to do."""


class NoStackError(CliError):
    """The backend has no such stack."""


def select(
    root: Path, stack: str, environment: Mapping[str, str] | None = None
) -> automation.Stack:
    """A stack of the checkout at `root`, which must exist; call it within `explained`.

    `environment` is what the CLI gets on top of this process's own.
    """
    options = automation.LocalWorkspaceOptions(env_vars=dict(environment or {}))
    return automation.select_stack(stack, work_dir=str(root), opts=options)


def up(selected: automation.Stack, observe: Callable[[str], None]) -> automation.UpResult:
    """Run `pulumi up`; `observe` is told each line that the CLI prints, in which no secret is."""
    return selected.up(color="never", show_secrets=False, suppress_outputs=True, on_output=observe)


def up_in_turn(
    root: Path,
    stack: str,
    observe: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
    wait: float = TURN_SECONDS,
) -> automation.UpResult:
    """Run `pulumi up` on a stack that several bring up at once, each in its turn.

    Raises `CliError`, also when another update has not ended within `wait` seconds.
    """
    deadline = time.monotonic() + wait
    with explained(stack):
        selected = select(root, stack, environment)
        while True:
            try:
                return up(selected, observe)
            except automation.ConcurrentUpdateError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(TURN_POLL_SECONDS)


def exports(root: Path, stack: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a stack exports, without what is secret: that is never read.

    The SDK's own `outputs` asks for secrets in plain. Raises `CliError`.
    """
    with explained(stack):
        selected = select(root, stack, environment)
        command = ["stack", "output", "--json", "--stack", stack]
        workspace = selected.workspace
        said = workspace.pulumi_command.run(command, str(root), dict(workspace.env_vars)).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def resources(
    root: Path, stack: str, environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """What a stack's state has, as `pulumi stack export` prints it, secrets encrypted.

    With what an update that was cut off may have made, whose ids nobody knows. Raises `CliError`.
    """
    with explained(stack):
        return _State(root, stack, environment).read().everything


def rewrite(
    root: Path,
    stack: str,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Replace the resources in a stack's state by others, without asking any cloud.

    The SDK's own export asks for secrets in plain; here they stay encrypted, also in the file that
    the CLI reads, which nobody else may. A state that stays as it was is not written.

    The CLI holds the stack's lock while it reads or writes, not in between. So the state is read
    once more just before it is written, and once after it; whoever brings the stack up in the
    second between is told of, not kept out. Raises `CliError`, also where an update was cut off
    while it made what would stay: the CLI's import forgets such operations.
    """
    with explained(stack):
        state = _State(root, stack, environment)
        for _ in range(_TRIES):
            found = state.read()
            after = change(found.resources)
            if after == found.resources:
                return
            unsettled = change(found.pending)
            if unsettled:
                urns = ", ".join(str(each.get("urn")) for each in unsettled)
                raise CliError(
                    f"an update of {stack} runs, or was cut off while it worked on {urns}: let it "
                    "end, or see what became of that (delete it, or `pulumi import` it) and "
                    f"`pulumi refresh --clear-pending-creates --stack {stack}`"
                )
            if state.read() != found:
                continue
            state.write(found, after)
            if state.read().urns == [each["urn"] for each in after]:
                return
            break
    raise CliError(f"{stack} is being brought up meanwhile; run the same command again after that")


@dataclass(frozen=True)
class _Exported:
    """A state as the CLI exports it."""

    document: dict[str, Any]

    @property
    def resources(self) -> list[dict[str, Any]]:
        return self.document["deployment"].get("resources") or []

    @property
    def urns(self) -> list[str]:
        return [each["urn"] for each in self.resources]

    @property
    def pending(self) -> list[dict[str, Any]]:
        """What an update has begun to make, change or delete, and not noted as done."""
        operations = self.document["deployment"].get("pending_operations") or []
        return [each["resource"] for each in operations]

    @property
    def everything(self) -> list[dict[str, Any]]:
        known = set(self.urns)
        return [*self.resources, *(each for each in self.pending if each["urn"] not in known)]


class _State:
    """A stack's state in the backend."""

    def __init__(self, root: Path, stack: str, environment: Mapping[str, str] | None) -> None:
        self._root, self._stack = root, stack
        self._workspace = select(root, stack, environment).workspace

    def read(self) -> _Exported:
        return _Exported(json.loads(self._run("export")))

    def write(self, found: _Exported, resources: list[dict[str, Any]]) -> None:
        deployment = found.document["deployment"] | {"resources": resources}
        with tempfile.TemporaryDirectory(prefix="patchworks-") as directory:
            file = Path(directory) / "state.json"
            file.touch(mode=0o600)
            file.write_text(
                json.dumps(found.document | {"deployment": deployment}), encoding="utf-8"
            )
            self._run("import", "--file", str(file))

    def _run(self, *words: str) -> str:
        command = ["stack", *words, "--stack", self._stack]
        variables = dict(self._workspace.env_vars)
        return str(self._workspace.pulumi_command.run(command, str(self._root), variables).stdout)


def made(root: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """The stacks of the checkout's project in which something is. Raises `CliError`."""
    # A backend in a bucket does not count what is in a stack.
    return [each.name for each in _listed(root, environment) if each.resource_count != 0]


def known(root: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """The stacks of the checkout's project, by name, empty ones too. Raises `CliError`."""
    return [each.name.rpartition("/")[2] for each in _listed(root, environment)]


def _listed(root: Path, environment: Mapping[str, str] | None) -> list[automation.StackSummary]:
    with explained("the project"):
        workspace = automation.LocalWorkspace(work_dir=str(root), env_vars=dict(environment or {}))
        return workspace.list_stacks()


@contextlib.contextmanager
def explained(stack: str) -> Iterator[None]:
    """Turn what the CLI refuses of a stack into `CliError`."""
    try:
        yield
    except FileNotFoundError:
        raise CliError("the Pulumi CLI is not installed") from None
    except automation.StackNotFoundError as error:
        raise NoStackError(_explanation(stack, error)) from error
    except automation.CommandError as error:
        raise CliError(_explanation(stack, error)) from error


def _explanation(stack: str, error: automation.CommandError) -> str:
    if isinstance(error, automation.StackNotFoundError):
        return (
            f"the backend has no stack {stack}; make it once, as README.md says: "
            f"pulumi stack init {stack} --secrets-provider=..."
        )
    if isinstance(error, automation.ConcurrentUpdateError):
        return (
            f"another update of {stack} runs; when it is certain that none does: "
            f"pulumi cancel --stack {stack}"
        )
    said = [line for line in str(error).splitlines() if line.strip()]
    faults = [line.strip() for line in said if "error:" in line] or said[-1:]
    return " | ".join(dict.fromkeys(faults))[:2000]
