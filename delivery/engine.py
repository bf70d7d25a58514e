"""What a delivery needs of whatever brings a stack up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.catalog import Ledger
    from delivery.backups import Backups


class EngineError(Exception):
    """A stack could not be brought up; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at."""

    what: str
    problem: str = ""
    """Empty where it is as it should be."""
    looked: bool = True
    """False where nothing on this machine can tell; that is no problem, and no proof."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What would be done to one resource; values are never told, as some are secret."""

    operation: Literal["create", "update", "replace", "delete", "let go", "import"]
    type: str
    name: str
    properties: tuple[str, ...] = ()
    """Paths of what differs."""
    forced_by: tuple[str, ...] = ()
    """Those of them because of which it is replaced."""

    def to_json(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return {
            "operation": self.operation,
            "type": self.type,
            "name": self.name,
            "properties": list(self.properties),
            "forced_by": list(self.forced_by),
        }


@dataclass(frozen=True, slots=True)
class Brought:
    """What bringing a stack up has done."""

    changes: dict[str, int]
    """How many resources each operation was done to, such as `create` and `same`."""
    exports: str
    """A digest of what the stack exports now."""


class Engine(Protocol):
    """Brings stacks up, one at a time or several."""

    name: str
    """How checks are told which one it is: `local` or `pulumi`."""
    at_once: int
    """How many stacks it can bring up side by side."""

    runs_pods: bool
    """Whether tenants' services really run there."""

    def aws(self, service: str, account: str, region: str) -> Any:
        """A boto3 client of a service in one account and region."""

    def dynamodb(self) -> Any:
        """A boto3 client of the organization's tables."""

    def backups(self) -> Backups:
        """Where databases can be had back from."""

    def smoke(self, tenants: Sequence[str]) -> Iterator[Look]:
        """What only this engine can look at."""

    def ledger(self) -> Ledger:
        """Where each tenant is served now."""

    def refuses(self, stack: str) -> str:
        """Why these credentials can't bring a stack up, and who can; empty where they can."""

    def up(self, stack: str) -> Brought:
        """Bring a stack up.

        Raises:
            EngineError: it could not be; what was made until then stays.
        """

    def differences(self, stack: str, *, settings: bool = False) -> dict[str, int]:
        """What bringing a stack up would do, by operation; empty where nothing differs.

        With `settings` only AWS's own resources are looked at: neither clusters nor databases are
        reached, and nothing secret is read of the cloud.

        Raises:
            EngineError: that can't be told.
        """

    def preview(self, stack: str) -> tuple[ResourceChange, ...]:
        """What bringing a stack up would do to each resource, by its program and its state.

        Nothing is written, not even a lock, and the cloud is not asked what somebody changed.

        Raises:
            EngineError: that can't be told.
        """

    def whoami(self) -> str:
        """The identity that records are written as."""
