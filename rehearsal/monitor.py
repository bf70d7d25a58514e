"""Answers a program's registrations as the engine would, and keeps them as a graph.

The SDK calls it in place of the engine's resource monitor. Unlike the SDK's own test monitor it
keeps parents, dependencies, options and providers, gives the URNs that the engine gives, refuses
what the engine refuses, runs transforms, and expands remote components into their children.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from traceback import extract_stack
from typing import TYPE_CHECKING, Any, Protocol

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2

from rehearsal import wire
from rehearsal.aliases import urn_of
from rehearsal.default_providers import disabled_package
from rehearsal.errors import (
    DuplicateResourceError,
    LookUpError,
    NoProviderError,
    UnknownStackError,
)
from rehearsal.expansion import expand_component
from rehearsal.graph import STACK_REFERENCE_TYPE, STACK_TYPE, Graph, Resource
from rehearsal.registration import to_resource
from rehearsal.source_position import innermost, source_of
from rehearsal.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.callbacks import InProcessCallbacks

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine says of a registered resource: its id, and outputs beyond its inputs."""

    id: str | None
    """None while only the cloud could tell."""
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlainResponse:
    """The answer to a registration of plain data, under the protocol's names."""

    urn: str
    id: str
    object: dict[str, Any]
    propertyDependencies: Mapping[str, Any] = field(default_factory=dict)  # noqa: N815 - its name
    result: int = resource_pb2.SUCCESS
    unknown: bool = False


class Answers(Protocol):
    """Gives custom resources their ids and outputs: offline, or by really making them."""

    def answer(self, resource: Resource) -> Answer:
        """Answer one custom resource; its dependencies have been answered before."""
        ...

    def stack_outputs(self, stack: str) -> Mapping[str, Any] | None:
        """What another stack exports; None where there is no such stack."""
        ...


@dataclass
class Monitor:
    """The resource monitor of one run of one program."""

    project: str
    stack: str
    answers: Answers
    callbacks: InProcessCallbacks | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)
    _transforms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _stack_transforms: list[str] = field(default_factory=list)

    def graph(self, warnings: tuple[str, ...]) -> Graph:
        """What has been registered."""
        return Graph(
            stack=self.stack,
            resources=self.resources,
            exports=self.exports,
            warnings=warnings,
        )

    def urn(self, parent: str | None, type: str, name: str) -> str:
        """The URN of a resource of this stack."""
        return urn_of(self.project, self.stack, parent or "", type, name)

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse | PlainResponse:
        """Register a resource and answer it."""
        urn = self.urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        own = tuple(callback.token for callback in request.transforms)
        resource = self.register(to_resource(request, urn, self.resources.get(request.parent)), own)
        properties = {**resource.inputs, **resource.outputs}
        if isinstance(request.object, dict):
            return PlainResponse(resource.urn, resource.id or "", properties)
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn, id=resource.id or "", object=wire.encode(properties)
        )

    def register(self, resource: Resource, transforms: tuple[str, ...] = ()) -> Resource:
        """Transform, answer and keep one resource; a remote component with its children."""
        earlier = self.resources.get(resource.urn)
        if earlier is not None:
            raise DuplicateResourceError(self.stack, resource, earlier)
        inherited = self._transforms.get(resource.parent or "", tuple(self._stack_transforms))
        tokens = transforms + inherited
        if tokens and self.callbacks is not None:
            resource = self.callbacks.transform(resource, tokens)
        package = disabled_package(resource)
        if package is not None:
            raise NoProviderError(self.stack, resource, package)
        self._transforms[resource.urn] = tokens
        if resource.remote:
            resource = expand_component(resource, self.resources, self.urn, self.register)
        elif resource.custom:
            answer = self.answers.answer(resource)
            outputs = {
                key: Secret(value)
                if key in resource.additional_secret_outputs and not isinstance(value, Secret)
                else value
                for key, value in answer.outputs.items()
            }
            # Nobody else has it yet; a copy would take a twentieth of an evaluation.
            object.__setattr__(resource, "id", answer.id)
            object.__setattr__(resource, "outputs", outputs)
        self.resources[resource.urn] = resource
        return resource

    def ReadResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Answer a stack reference; nothing else may be read, so that plans work offline."""
        source = source_of(request.stackTrace.frames)
        if request.type != STACK_REFERENCE_TYPE:
            raise LookUpError(self.stack, source, f"reads {request.type} {request.name!r}")
        urn = self.urn(request.parent, request.type, request.name)
        referenced = request.id.rpartition("/")[2]
        outputs = self.answers.stack_outputs(referenced)
        if outputs is None:
            raise UnknownStackError(self.stack, source, request.id)
        state = {
            "name": request.id,
            "outputs": dict(outputs),
            "secretOutputNames": [
                name for name, value in outputs.items() if isinstance(value, Secret)
            ],
        }
        self.resources[urn] = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=True,
            parent=request.parent or None,
            inputs={"name": request.id},
            id=request.id,
            source=source,
        )
        return resource_pb2.ReadResourceResponse(urn=urn, properties=wire.encode(state))

    def RegisterResourceOutputs(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Keep what a component or the stack itself hands out."""
        outputs = wire.decode(request.outputs)
        if request.urn.split("::")[2] == STACK_TYPE:
            self.exports.update(outputs)
        elif (component := self.resources.get(request.urn)) is not None:
            self.resources[request.urn] = replace(component, outputs=outputs)
        return empty_pb2.Empty()

    def RegisterStackTransform(self, request: Any) -> empty_pb2.Empty:  # noqa: N802
        """Keep a transform that is for every resource of the stack."""
        self._stack_transforms.append(request.token)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Hand out a resource of this stack; refuse what would need credentials to look up."""
        if request.tok == "pulumi:pulumi:getResource":
            resource = self.resources[wire.decode(request.args)["urn"]]
            state = {
                "urn": resource.urn,
                "id": resource.id or "",
                "state": {**resource.inputs, **resource.outputs},
            }
            answer: dict[str, Any] = {"return": wire.encode(state)}
            return provider_pb2.InvokeResponse(**answer)
        raise LookUpError(self.stack, innermost(extract_stack()), f"invokes {request.tok}")

    def Call(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Refuse, as `Invoke` does."""
        raise LookUpError(self.stack, innermost(extract_stack()), f"calls {request.tok}")

    def GetDeploymentInfo(self, _request: Any) -> resource_pb2.DeploymentInfo:  # noqa: N802
        """The features of the protocol that this monitor has."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def RegisterPackage(self, request: Any) -> resource_pb2.RegisterPackageResponse:  # noqa: N802
        """Packages with parameters are told apart by name only."""
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def SignalAndWaitForShutdown(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802
        """Nothing is left to wait for."""
        return empty_pb2.Empty()
