"""Delivers with Pulumi's CLI, through its Automation API, with the credentials at hand."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any, Literal

from delivery.aws_backups import AwsBackups
from delivery.engine import Brought, EngineError, ResourceChange
from delivery.inputs import exports_digest
from stacks import pulumi_cli
from stacks.ledger import read_ledger
from stacks.looking import LOOKS_AT
from stacks.programs import ORGANIZATION
from stacks.spans import KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pulumi import automation

    from catalog.catalog import Catalog, Ledger
    from delivery.engine import Look

_ELSE = "; install it, or use --engine local"

SAME = ("same", "read", "refresh")
"""Operations that change nothing."""
SECRET_TYPES = ("aws:secretsmanager/secretVersion:SecretVersion", "aws:ssm/parameter:Parameter")
"""What can't be looked at without reading what it holds."""


class PulumiEngine:
    """Pulumi as an engine: each stack is a process of its own, so that several run side by side."""

    name = "pulumi"
    runs_pods = True

    def __init__(
        self,
        catalog: Catalog,
        root: Path,
        *,
        looks_at: Path | None = None,
        at_once: int = 1,
        observe: Callable[[str, str], None] = lambda _stack, _line: None,
    ) -> None:
        """`root` is the checkout; `observe` is told each line that the CLI prints, by stack.

        `looks_at` has a catalog beside the checkout's, which `catalog` is then, for previews alone.
        """
        self._catalog = catalog
        self._root = root
        self._looks_at = looks_at
        self.at_once = at_once
        self._observe = observe

    def dynamodb(self) -> Any:
        """A client of the organization's tables with the credentials at hand."""
        organization = self._catalog.organization
        return self.aws("dynamodb", organization.accounts.management, organization.home_region)

    def aws(self, service: str, account: str, region: str) -> Any:
        """A client with the credentials at hand, which are of one environment's account.

        Tables of the management account are named by their ARN, so that those credentials do.
        """
        import boto3

        del account
        make: Any = boto3.client
        return make(service, region_name=region)

    def backups(self) -> AwsBackups:
        """Snapshots of the environment's account."""
        return AwsBackups()

    def smoke(self, tenants: Sequence[str]) -> Iterator[Look]:
        """Nothing more: tenants' passwords are none of a deployment's business."""
        del tenants
        return iter(())

    def ledger(self) -> Ledger:
        """Where each tenant is served now; raises `LookupError` without an organization."""
        return read_ledger(self._catalog, self.dynamodb())

    def refuses(self, stack: str) -> str:
        """The organization's stack is out of CI's reach: it declares what CI may do."""
        management = self._catalog.organization.accounts.management
        if stack != ORGANIZATION or self.whoami().split(":")[4] == management:
            return ""
        return (
            "a person brings it up, with the management account's credentials: "
            "patchworks deliver up --wave organization"
        )

    def up(self, stack: str) -> Brought:
        """Run `pulumi up` on a stack."""
        with self._explained(stack):
            # What a person reads in a log must hold no secret.
            if stack.startswith(f"{KIND}."):
                # Every move and every delivery between the two cells brings it up.
                done = pulumi_cli.up_in_turn(self._root, stack, self._tell(stack))
            else:
                done = pulumi_cli.up(pulumi_cli.select(self._root, stack), self._tell(stack))
        return Brought(
            _counts(done.summary.resource_changes or {}),
            exports_digest(
                {
                    name: "[secret]" if output.secret else output.value
                    for name, output in done.outputs.items()
                }
            ),
        )

    def _tell(self, stack: str) -> Callable[[str], None]:
        return lambda line: self._observe(stack, line)

    def differences(self, stack: str, *, settings: bool = False) -> dict[str, int]:
        """Run `pulumi preview --refresh`: the program, the state and the cloud are compared.

        With `settings`, `pulumi refresh --preview-only` of what AWS itself holds of the stack: the
        state and the cloud are compared.
        """
        with self._explained(stack):
            selected = pulumi_cli.select(self._root, stack)
            if settings:
                wanted = self._settings(selected, stack)
                if not wanted:
                    # Without a target the CLI takes all there is.
                    return {}
                seen = selected.preview_refresh(
                    color="never",
                    target=wanted,
                    suppress_outputs=True,
                    on_output=lambda line: self._observe(stack, line),
                )
            else:
                seen = selected.preview(
                    color="never",
                    refresh=True,
                    suppress_outputs=True,
                    on_output=lambda line: self._observe(stack, line),
                )
        found = _counts(seen.change_summary)
        return {name: count for name, count in found.items() if name not in SAME}

    def preview(self, stack: str) -> tuple[ResourceChange, ...]:
        """Run `pulumi preview`: the program and the state are compared, resource by resource.

        It takes no lock of a state in a bucket, and writes nothing. Nothing that the CLI prints is
        passed on, as whoever asked for a preview may have chosen what that is.
        """
        found: list[ResourceChange] = []

        def note(event: automation.EngineEvent) -> None:
            change = _change(event)
            if change is not None:
                found.append(change)

        with self._explained(stack):
            looks_at = {LOOKS_AT: str(self._looks_at or self._root)}
            selected = pulumi_cli.select(self._root, stack, looks_at)
            selected.preview(color="never", suppress_outputs=True, on_event=note)
        return tuple(found)

    def whoami(self) -> str:
        """The ARN of whose credentials are at hand."""
        organization = self._catalog.organization
        client = self.aws("sts", organization.accounts.management, organization.home_region)
        return str(client.get_caller_identity()["Arn"])

    def _settings(self, selected: automation.Stack, stack: str) -> list[str]:
        """The URNs of a state's resources that are AWS's own, without those that are secrets.

        Nor those for which a provider takes another role, which whoever only looks must not take:
        refreshing one of them would fail the whole stack. The SDK's own export would have the
        state's secrets in plain.
        """
        command = ["stack", "export", "--stack", stack]
        said = selected.workspace.pulumi_command.run(command, str(self._root), {}).stdout
        resources = json.loads(said)["deployment"].get("resources") or ()
        others = {
            f"{each['urn']}::{each['id']}"
            for each in resources
            if str(each["type"]).startswith("pulumi:providers:")
            and each.get("inputs", {}).get("assumeRoles")
        }
        return [
            str(each["urn"])
            for each in resources
            if each.get("custom")
            and str(each["type"]).startswith("aws:")
            and each["type"] not in SECRET_TYPES
            and each.get("provider") not in others
        ]

    @contextlib.contextmanager
    def _explained(self, stack: str) -> Iterator[None]:
        try:
            with pulumi_cli.explained(stack):
                yield
        except pulumi_cli.CliError as error:
            raise EngineError(f"{error}{'' if shutil.which('pulumi') else _ELSE}") from error


_OPERATIONS: dict[str, Literal["create", "update", "replace", "delete", "import"]] = {
    # What a replacement consists of is told once, by `replace`.
    name: name
    for name in ("create", "update", "replace", "delete", "import")
}


def _change(event: automation.EngineEvent) -> ResourceChange | None:
    """What an event of a preview says of a resource; None where nothing would be done to it.

    Components hold nothing themselves. A provider differs because it only looks.
    """
    if event.resource_pre_event is None:
        return None
    step = event.resource_pre_event.metadata
    state = step.new or step.old
    operation = _OPERATIONS.get(str(getattr(step.op, "value", step.op)))
    if operation is None or state is None or not state.custom:
        return None
    if step.type.startswith("pulumi:"):
        return None
    name = step.urn.rpartition("::")[2]
    if operation == "delete":
        kept = step.old is not None and step.old.retain_on_delete
        return ResourceChange("let go" if kept else "delete", step.type, name)
    detailed = step.detailed_diff or {}
    forced = [
        path
        for path, each in detailed.items()
        if str(getattr(each.diff_kind, "value", each.diff_kind)).endswith("-replace")
    ]
    if operation in ("create", "import"):
        return ResourceChange(operation, step.type, name)
    return ResourceChange(
        operation,
        step.type,
        name,
        tuple(sorted(detailed or step.diffs or ())),
        tuple(sorted(forced or step.keys or ())) if operation == "replace" else (),
    )


def _counts(changes: Mapping[Any, int]) -> dict[str, int]:
    """The CLI's counts by operation, whose names the SDK gives as an enumeration or as text."""
    return {str(getattr(name, "value", name)): count for name, count in changes.items() if count}
