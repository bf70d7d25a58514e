"""Prepares registrations without protobuf messages: request and answer stay in this process."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pulumi import CustomResource, ResourceOptions
from pulumi.runtime import resource as sdk
from pulumi.runtime import settings
from pulumi.runtime._depends_on import _resolve_depends_on_urns
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.resource import ResourceResolverOperations
from pulumi.runtime.rpc import _expand_dependencies

from rehearsal.quick_sdk.outputs import from_input
from rehearsal.quick_sdk.serialization import serialize_inputs
from rehearsal.source_position import is_program

if TYPE_CHECKING:
    from types import FrameType

    from pulumi import Output, Resource

_sdk_create_urn = sdk.create_urn


class _Request(SimpleNamespace):
    """A registration's fields under the protocol's names."""

    class PropertyDependencies(SimpleNamespace):
        """The URNs that one property depends on."""

    ResourceHooksBinding = resource_pb2.RegisterResourceRequest.ResourceHooksBinding
    CustomTimeouts = resource_pb2.RegisterResourceRequest.CustomTimeouts


class QuickProtocol:
    """In place of the SDK's module of messages: registrations and reads are plain data."""

    RegisterResourceRequest = _Request
    ReadResourceRequest = _Request

    def __getattr__(self, name: str) -> Any:
        return getattr(resource_pb2, name)


async def prepare_resource(
    res: Resource,
    ty: str,
    custom: bool,
    remote: bool,
    props: Any,
    opts: ResourceOptions | None,
    typ: type | None = None,
) -> ResourceResolverOperations:
    """In place of the SDK's function of that name; the inputs are serialised into plain data."""
    opts = opts or ResourceOptions()
    explicit: set[str] = set()
    if opts.depends_on is not None:
        explicit = await _resolve_depends_on_urns(opts._depends_on_list(), from_resource=res)
    found: dict[str, list[Resource]] = {}
    serialized = await serialize_inputs(
        props,
        found,
        res,
        res.translate_input_property if typ is None else None,
        typ,
        references_depend=not remote,
    )
    parent = opts.parent or (settings.get_root_resource() if ty != _STACK else None)
    parent_urn = await parent.urn.future() if parent is not None else ""
    provider = opts.provider
    sends_provider = custom or (
        remote and provider is not None and sdk._pkg_from_type(ty) == provider.package
    )
    provider_refs = {}
    if remote or not custom:
        providers = sdk.convert_providers(provider, opts.providers)
        provider_refs = {
            name: await sdk._create_provider_ref(each) for name, each in providers.items()
        }
    dependencies = explicit
    property_dependencies = {}
    for key, resources in found.items():
        urns = await _urns(resources, res) if resources else set()
        dependencies |= urns
        property_dependencies[key] = list(urns)
    plain: Any = serialized
    return ResourceResolverOperations(
        parent_urn,
        plain,
        dependencies,
        await sdk._create_provider_ref(provider) if sends_provider and provider else None,
        provider_refs,
        property_dependencies,
        await sdk.prepare_aliases(res, opts, True),
        await opts.deleted_with.urn.future() if opts.deleted_with is not None else "",
        [urn for each in opts.replace_with or () if (urn := await each.urn.future())],
        opts.replacement_trigger,
        True,
    )


_STACK = "pulumi:pulumi:Stack"


def create_urn(
    name: Any, type_: Any, parent: Any = None, project: Any = None, stack: Any = None
) -> Output[str]:
    """In place of the SDK's function of that name."""
    if not (isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str)):
        return _sdk_create_urn(name, type_, parent, project, stack)
    return from_input(f"{parent[: parent.rfind('::')]}${type_}::{name}")


def get_stack_trace() -> Any:
    """In place of the SDK's function: the line that made the resource, and no source file read.

    Frames in which `self` is that resource are its own constructors, whatever their class.
    """
    frame: FrameType | None = sys._getframe(1)
    made = frame.f_locals.get("res") if frame is not None else None
    while frame is not None and (
        not is_program(frame.f_code.co_filename)
        or (frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is made)
    ):
        frame = frame.f_back
    if frame is None:
        return SimpleNamespace(frames=())
    position = SimpleNamespace(uri=_uri(frame.f_code.co_filename), line=frame.f_lineno)
    return SimpleNamespace(frames=(SimpleNamespace(pc=position),))


@cache
def _uri(filename: str) -> str:
    return Path(filename).as_uri()


async def _urns(resources: list[Resource], dependent: Resource) -> set[str]:
    """The URNs of resources; a local component stands for its children, as in the SDK.

    A custom resource whose URN is there waits for nobody, so no cycle can lead through it.
    """
    urns: set[str] = set()
    others = []
    for resource in resources:
        future = resource.urn._data
        if isinstance(resource, CustomResource) and future.done():
            urns.add(future.result().value)
        else:
            others.append(resource)
    return urns | set(await _expand_dependencies(others, dependent)) if others else urns


def without_context(act: Any) -> Any:
    """In place of the SDK's `wrap_with_context`: no thread is entered, so nothing is carried."""
    return act
