"""Pulumi's CLI through its Automation API: whatever brings a stack up asks it here."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi import automation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


TURN_SECONDS = 1800.0
TURN_POLL_SECONDS = 2.0


class CliError(Exception):
    """The CLI could not do what it was asked; the text says why and what to do."""


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


def rewrite(
    root: Path,
    stack: str,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Replace the resources in a stack's state by others, without asking any cloud.

    The SDK's own export asks for secrets in plain; here they stay encrypted, also in the file that
    the CLI reads, which nobody else may. A state that stays as it was is not written. Raises
    `CliError`.
    """
    with explained(stack):
        workspace = select(root, stack, environment).workspace

        def run(*words: str) -> str:
            command = ["stack", *words, "--stack", stack]
            done = workspace.pulumi_command.run(command, str(root), dict(workspace.env_vars))
            return str(done.stdout)

        state = json.loads(run("export"))
        before = state["deployment"].get("resources") or []
        after = change(before)
        if after == before:
            return
        state["deployment"]["resources"] = after
        with tempfile.TemporaryDirectory(prefix="patchworks-") as directory:
            file = Path(directory) / "state.json"
            file.touch(mode=0o600)
            file.write_text(json.dumps(state), encoding="utf-8")
            run("import", "--file", str(file))


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
