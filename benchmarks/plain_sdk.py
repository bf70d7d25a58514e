"""The same programs on the SDK's own test monitor, as a test of a Pulumi program would run them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_in_stack

from rehearsal.values import redact
from stacks.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.catalog import Catalog


class EchoingMocks(mocks.Mocks):
    """Answers every resource with its inputs and a made-up id, as most such tests do."""

    def __init__(self, exports_of: Callable[[str], Mapping[str, Any]]) -> None:
        self._exports_of = exports_of

    def call(self, _args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        """No program here calls anything."""
        return {}, None

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """The inputs again, with the outputs that programs need."""
        outputs = dict(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            stack = str(args.resource_id).rpartition("/")[2]
            outputs["outputs"] = redact(dict(self._exports_of(stack)))
            return str(args.resource_id), outputs
        name = outputs.get("name") or args.name
        outputs.setdefault("arn", f"arn:aws:mock:eu-west-1:123456789012:{name}")
        return f"{args.name}-id", outputs


def evaluate_plainly(
    catalog: Catalog, stack: str, exports_of: Callable[[str], Mapping[str, Any]]
) -> int:
    """Run a stack's program on the test monitor; how many resources it registered."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    monitor = mocks.MockMonitor(EchoingMocks(exports_of))
    settings.ROOT.set(None)
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project="patchworks",
            stack=stack,
            dry_run=True,
            organization="organization",
            callbacks=None,
            outputs=set(),
        )
    )

    def main() -> None:
        for name, value in program(catalog, stack, {})().items():
            pulumi.export(name, value)

    loop = asyncio.get_event_loop()
    loop.run_until_complete(run_in_stack(main))
    loop.close()
    return len(monitor.resources)
