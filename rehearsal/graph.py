"""The graph of a stack: every resource its program registers, and what it exports."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rehearsal.values import redact, reveal, secret_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK_TYPE = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"
PROVIDER_PREFIX = "pulumi:providers:"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a resource is declared, relative to the repository where it lies inside."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One registered resource: what the program asked for, and what the engine answered.

    Properties are under Pulumi's names (camelCase). Secrets are wrapped in `Secret`; what only the
    cloud can give is `UNKNOWN` or a placeholder that the graph knows.
    """

    urn: str
    type: str
    name: str
    custom: bool
    remote: bool = False
    parent: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    provider: str | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    deleted_with: str | None = None
    import_id: str | None = None
    source: Source | None = None

    @property
    def short_type(self) -> str:
        """The type without its package and module, such as `Vpc`."""
        return self.type.rpartition(":")[2]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Paths of the inputs that are secret."""
        return tuple(secret_paths(self.inputs))

    @property
    def is_provider(self) -> bool:
        """Whether this is an explicit provider instance."""
        return self.type.startswith(PROVIDER_PREFIX)

    def to_json(self) -> dict[str, Any]:
        """The resource as JSON can hold it, without secrets and without what is at its default."""
        document: dict[str, Any] = {"type": self.type, "name": self.name}
        for key in (
            "parent",
            "inputs",
            "id",
            "provider",
            "dependencies",
            "property_dependencies",
            "protect",
            "retain_on_delete",
            "delete_before_replace",
            "ignore_changes",
            "replace_on_changes",
            "aliases",
            "deleted_with",
        ):
            value = getattr(self, key)
            if value:
                document[key] = redact(value)
        if self.source is not None:
            document["source"] = str(self.source)
        return document


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A stack's resources in the order they were registered, and its exports."""

    stack: str
    resources: Mapping[str, Resource]
    exports: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    suppressions: tuple[Mapping[str, str], ...] = ()
    """The findings that the catalog accepts in this stack, as it says them; filled in by plans."""

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            found.setdefault(resource.type, []).append(resource)
        return found

    @cached_property
    def placeholders(self) -> Mapping[str, tuple[str, str]]:
        """Texts that stand for what only the cloud can give: the resource's URN and its output."""
        found: dict[str, tuple[str, str]] = {}
        for urn, resource in self.resources.items():
            for name, value in (("id", resource.id), *resource.outputs.items()):
                text = reveal(value)
                if isinstance(text, str) and text.startswith(f"<{resource.short_type} "):
                    found[text] = (urn, name)
        return found

    def of_type(self, type: str) -> list[Resource]:
        """All resources of one type, such as `aws:ec2/vpc:Vpc`, in order of registration."""
        return list(self._by_type.get(type, ()))

    def named(self, name: str, type: str | None = None) -> Resource:
        """The one resource of that logical name.

        Raises:
            LookupError: none or several bear the name.
        """
        found = [
            resource
            for resource in self.resources.values()
            if resource.name == name and type in (None, resource.type)
        ]
        if len(found) != 1:
            urns = ", ".join(resource.urn for resource in found) or "none"
            raise LookupError(f"{self.stack}: one resource named {name!r} expected, found {urns}")
        return found[0]

    def children(self, urn: str) -> list[Resource]:
        """The resources whose parent has that URN."""
        return [resource for resource in self.resources.values() if resource.parent == urn]

    def to_json(self) -> dict[str, Any]:
        """The graph as JSON can hold it, without secrets."""
        return {
            "stack": self.stack,
            "resources": {urn: resource.to_json() for urn, resource in self.resources.items()},
            "exports": redact(dict(self.exports)),
        }
