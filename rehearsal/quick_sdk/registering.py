"""Registers a resource at once, where all that it needs is there, which hardly ever is not.

What waits for something, and what asks for something rare, goes the SDK's way; so does what fails,
which then fails again and is told of as ever. That is for previews alone: what makes real things
must not try twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pulumi import ResourceOptions
from pulumi.output import Output, _OutputData
from pulumi.runtime import resource as sdk
from pulumi.runtime import settings

from rehearsal.aliases import former_urns
from rehearsal.graph import STACK_TYPE, Resource
from rehearsal.monitor import Monitor
from rehearsal.quick_sdk.properties import resolve_outputs, transfer_properties
from rehearsal.quick_sdk.registration import get_stack_trace, prepare_resource
from rehearsal.registration import provider_urn, urn_only
from rehearsal.source_position import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_sdk_register = sdk.register_resource
_sdk_collapse_alias = sdk.collapse_alias_to_urn
_RARE = ("custom_timeouts", "replacement_trigger", "state_migrations", "transforms")


class _Waits(Exception):  # noqa: N818 - it is no error
    """Something that a registration needs is not there yet."""


def register_resource(
    res: Any,
    ty: str,
    name: str,
    custom: bool,
    remote: bool,
    new_dependency: Callable[[str], Any],
    props: Any,
    opts: ResourceOptions | None,
    typ: type | None = None,
    package_ref: Any = None,
) -> None:
    """In place of the SDK's function of that name."""
    opts = opts or ResourceOptions()
    monitor = settings.get_monitor()
    if (
        isinstance(monitor, Monitor)
        and settings.is_dry_run()
        and not remote
        and package_ref is None
        and ty != STACK_TYPE
        and not any(getattr(opts, each) for each in _RARE)
        and not (opts.hooks and any(vars(opts.hooks).values()))
    ):
        try:
            resource = _registered(monitor, res, ty, name, custom, props, opts, typ)
        except Exception:
            resource = None
        if resource is not None:
            _resolve(res, resource, props, typed=typ is not None)
            return
    _sdk_register(res, ty, name, custom, remote, new_dependency, props, opts, typ, package_ref)


def _registered(
    monitor: Monitor,
    res: Any,
    ty: str,
    name: str,
    custom: bool,
    props: Any,
    opts: ResourceOptions,
    typ: type | None,
) -> Resource:
    frames = get_stack_trace().frames
    sent = _prompt(prepare_resource(res, ty, custom, False, props, opts, typ))
    parent = monitor.resources.get(sent.parent_urn)
    urn = monitor.urn(sent.parent_urn, ty, name)
    return monitor.register(
        Resource(
            urn=urn,
            type=ty,
            name=name,
            custom=custom,
            parent=sent.parent_urn or None,
            inputs=sent.serialized_props,
            provider=provider_urn(sent.provider_ref or ""),
            providers={package: urn_only(ref) for package, ref in sent.provider_refs.items()},
            dependencies=tuple(sorted(sent.dependencies)),
            property_dependencies={
                key: tuple(sorted(urns)) for key, urns in sent.property_dependencies.items() if urns
            },
            protect=bool(opts.protect),
            retain_on_delete=bool(opts.retain_on_delete),
            delete_before_replace=opts.delete_before_replace or False,
            ignore_changes=tuple(
                sdk._translate_ignore_changes(res, typ, opts.ignore_changes) or ()
            ),
            replace_on_changes=tuple(
                sdk._translate_replace_on_changes(res, typ, opts.replace_on_changes) or ()
            ),
            additional_secret_outputs=tuple(
                sdk._translate_additional_secret_outputs(res, typ, opts.additional_secret_outputs)
                or ()
            ),
            aliases=former_urns(urn, sent.parent_urn, sent.aliases or (), parent),
            deleted_with=sent.deleted_with_urn or None,
            import_id=opts.import_ or None,
            source=source_of(frames),
        )
    )


def _resolve(res: Any, resource: Resource, props: Any, *, typed: bool) -> None:
    """Give the program's object what was answered."""
    res.__dict__["urn"] = _there(res, resource.urn, known=True)
    if resource.custom:
        res.__dict__["id"] = _there(res, resource.id or "", known=bool(resource.id))
    resolve_outputs(
        res,
        resource.inputs,
        {**resource.inputs, **resource.outputs},
        {},
        transfer_properties(res, props, resource.custom),
        resource.custom,
        typed,
        keep_unknowns=True,
    )


def _there(res: Any, value: str, *, known: bool) -> Output[Any]:
    future: asyncio.Future[_OutputData[Any]] = asyncio.get_running_loop().create_future()
    future.set_result(_OutputData({res}, value, known, False))
    made: Output[Any] = object.__new__(Output)
    made._data = future
    return made


def _prompt(act: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns, which must not wait."""
    try:
        waits_for = act.send(None)
    except StopIteration as done:
        return done.value
    if waits_for is not None:
        # Another will wait for it.
        waits_for._asyncio_future_blocking = False
    act.close()
    raise _Waits


class _LateAlias(Output[str]):
    """An alias as a URN, which the SDK makes for engines that don't know aliases otherwise."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    @property
    def _data(self) -> asyncio.Future[_OutputData[str]]:  # type: ignore[override]  # made late
        found: asyncio.Future[_OutputData[str]] = _sdk_collapse_alias(*self._arguments)._data
        return found


def collapse_alias_to_urn(*arguments: Any) -> Output[str]:
    """In place of the SDK's function of that name."""
    return _LateAlias(*arguments)
