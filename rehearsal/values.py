"""Property values as a graph holds them: plain data, with secrets and unknowns told apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be shown; printing it shows that it is one."""

    value: Any = field(repr=False)

    def __repr__(self) -> str:
        return "[secret]"


class Unknown:
    """A value that only the cloud can give."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[unknown]"

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Reference:
    """Another resource, given whole as an input."""

    urn: str
    id: str | None = None


def reveal(value: Any) -> Any:
    """The value with every secret in plain, for those who must have it."""
    match value:
        case Secret():
            return reveal(value.value)
        case dict():
            return {key: reveal(item) for key, item in value.items()}
        case list():
            return [reveal(item) for item in value]
        case _:
            return value


def redact(value: Any) -> Any:
    """The value as JSON can hold it, with secrets and unknowns named but not shown."""
    match value:
        case Secret() | Unknown():
            return repr(value)
        case Reference():
            return value.urn
        case dict():
            return {key: redact(item) for key, item in value.items()}
        case list() | tuple():
            return [redact(item) for item in value]
        case _:
            return value


def is_known(value: Any) -> bool:
    """Whether no part of the value is unknown."""
    match value:
        case Unknown():
            return False
        case Secret():
            return is_known(value.value)
        case dict():
            return all(map(is_known, value.values()))
        case list():
            return all(map(is_known, value))
        case _:
            return True


def secret_paths(value: Any, path: str = "") -> Iterator[str]:
    """Where a value holds secrets: `stringData.password`, `users[0].token`."""
    match value:
        case Secret():
            yield path
        case dict():
            for key, item in value.items():
                yield from secret_paths(item, f"{path}.{key}" if path else key)
        case list():
            for index, item in enumerate(value):
                yield from secret_paths(item, f"{path}[{index}]")
        case _:
            pass
