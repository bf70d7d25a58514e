"""What can be wrong with a stack's program, said with the stack and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rehearsal.graph import Resource, Source


class ProgramError(Exception):
    """A stack's program can't be evaluated.

    Attributes:
        stack: the stack's name.
        source: the file and line to look at; None where no line of the program is to blame.
        problem: what is wrong, without stack and line.
        remedy: what to do about it; empty where the problem says it.
    """

    def __init__(self, stack: str, source: Source | None, problem: str, remedy: str = "") -> None:
        self.stack = stack
        self.source = source
        self.problem = problem
        self.remedy = remedy
        place = f"{source}: " if source is not None else ""
        super().__init__(f"{place}stack {stack}: {problem}" + (f"; {remedy}" if remedy else ""))


class ProgramRaisedError(ProgramError):
    """The program raised; the original is the cause."""


class DuplicateResourceError(ProgramError):
    """Two resources of one type, parent and name, which the engine refuses."""

    def __init__(self, stack: str, second: Resource, first: Resource) -> None:
        super().__init__(
            stack,
            second.source,
            f"{second.type} named {second.name!r} is registered twice, first at {first.source}",
            "give one of them another name or parent",
        )
        self.urn = second.urn


class NoProviderError(ProgramError):
    """A resource names no provider where the project has none by default; the engine refuses it."""

    def __init__(self, stack: str, resource: Resource, package: str) -> None:
        super().__init__(
            stack,
            resource.source,
            f"{resource.type} named {resource.name!r} has no provider, and Pulumi.yaml disables "
            f"the default one of {package}",
            "give it one, or its parent: ResourceOptions(provider=...) or "
            f'ResourceOptions(providers={{"{package}": ...}})',
        )
        self.urn = resource.urn


class UndeclaredConfigError(ProgramError):
    """The program reads a configuration value that Pulumi.yaml does not declare."""


class LookUpError(ProgramError):
    """The program looks something up in the cloud, so it could not be planned offline."""

    def __init__(self, stack: str, source: Source | None, what: str) -> None:
        super().__init__(
            stack,
            source,
            f"the program {what}, which needs credentials",
            "take it from the catalog, another resource's output or a stack reference",
        )


class UnknownStackError(ProgramError):
    """The program refers to a stack that is not in the catalog or has not been brought up."""

    def __init__(self, stack: str, source: Source | None, referenced: str) -> None:
        super().__init__(
            stack,
            source,
            f"it refers to the stack {referenced}, which does not exist",
            "bring up what it depends on first",
        )
        self.referenced = referenced


class ProtectedResourceError(ProgramError):
    """A change asks for the replacement of what is protected."""

    def __init__(self, stack: str, resource: Resource) -> None:
        super().__init__(
            stack,
            resource.source,
            f"the change replaces {resource.type} {resource.name!r}, which is protected",
            "keep the property as it was, or take the protection away in a change of its own",
        )


class DriverFailedError(ProgramError):
    """The local cloud refused what the program asks for; its own error is the cause."""

    def __init__(
        self, stack: str, verb: str, urn: str, source: Source | None, error: Exception
    ) -> None:
        _, _, kind, name = urn.split("::", 3)
        super().__init__(
            stack, source, f"cannot {verb} {kind.rpartition('$')[2]} {name!r}: {error}"
        )
        self.urn = urn
