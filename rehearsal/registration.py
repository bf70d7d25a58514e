"""Reads a registration as the SDK sends it into the graph's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal import wire
from rehearsal.aliases import former_urns
from rehearsal.graph import Resource
from rehearsal.source_position import source_of

if TYPE_CHECKING:
    from pulumi.runtime.proto import resource_pb2


def to_resource(
    request: resource_pb2.RegisterResourceRequest, urn: str, parent: Resource | None
) -> Resource:
    """The resource a registration asks for, not answered yet; `parent` as it was registered."""
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        remote=request.remote,
        parent=request.parent or None,
        inputs=_inputs(request),
        provider=provider_urn(request.provider),
        providers={package: urn_only(ref) for package, ref in request.providers.items()},
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(value.urns))
            for key, value in request.propertyDependencies.items()
            if value.urns
        },
        protect=bool(request.protect),
        retain_on_delete=bool(request.retainOnDelete),
        delete_before_replace=request.deleteBeforeReplace,
        ignore_changes=tuple(request.ignoreChanges or ()),
        replace_on_changes=tuple(request.replaceOnChanges or ()),
        additional_secret_outputs=tuple(request.additionalSecretOutputs or ()),
        aliases=former_urns(urn, request.parent, request.aliases or (), parent),
        deleted_with=request.deletedWith or None,
        import_id=request.importId or None,
        source=source_of(request.stackTrace.frames),
    )


def _inputs(request: resource_pb2.RegisterResourceRequest) -> dict[str, Any]:
    """The inputs as plain data, which they are already where the quick SDK sent them."""
    sent: Any = request.object
    return sent if isinstance(sent, dict) else wire.decode(sent)


def provider_urn(reference: str) -> str | None:
    """The provider's URN out of a reference, which is `<urn>::<id>`."""
    return urn_only(reference) if reference else None


def urn_only(reference: str) -> str:
    """A provider reference without the provider's id."""
    return reference.rpartition("::")[0]
