"""What a remote component makes: its children, and values that wait for their outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Ref:
    """An output property of a child that comes earlier in the list; `id` is its physical id."""

    child: str
    """The child's key."""
    property: str


@dataclass(frozen=True, slots=True)
class External:
    """An output property of a resource outside the component; `id` is its physical id."""

    urn: str
    property: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A child given whole, as a resource reference."""

    child: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A value computed from others; it is unknown while any of them is."""

    parts: tuple[Any, ...]
    """Values, which may be `Ref`, `External` or hold unknowns."""
    compute: Callable[..., Any]
    """Gets the parts' values in order, secrets in plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A resource that a remote component registers.

    `inputs` and `outputs` are under Pulumi's names (camelCase). At any depth they may hold `Ref`,
    `External`, `Whole` and `Derived`, besides what the component's own inputs held.
    """

    type: str
    name: str
    parent: str | None = None
    """The key of the parent among the children; None for the component itself."""
    custom: bool = True
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    """What a child that is a component itself hands out; a custom resource is answered instead."""
    ignore_changes: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    """Keys of children it waits for without using their outputs."""

    @property
    def key(self) -> str:
        """Tells the child from its siblings; a name alone does not."""
        return key_of(self.type, self.name)


def key_of(type: str, name: str) -> str:
    """The key of the child with that type and name."""
    return f"{type}::{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """What became of a remote component."""

    children: tuple[Child, ...]
    """In the order to register them: each one after its parent and what it refers to."""
    outputs: Mapping[str, Any]
    """The component's own outputs, with the same waiting values as a child's inputs."""
    parent: str | None = None
    """The URN the component is put under, whatever its options say; None leaves it be."""


class UnsupportedInputError(ValueError):
    """An input of a remote component whose children are not known here.

    Attributes:
        type: the component's type.
        name: the component's name.
        input: the input, in Pulumi's camelCase.
    """

    def __init__(self, type: str, name: str, input: str, remedy: str) -> None:
        super().__init__(
            f"{type} {name!r}: what the provider makes of {input} is not rehearsed; {remedy}"
        )
        self.type = type
        self.name = name
        self.input = input
