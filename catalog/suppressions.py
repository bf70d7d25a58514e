"""What checks may find and people have accepted: where, why and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from catalog.base import CatalogModel, Line, RefusedError


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise RefusedError(
            "is not a date", "write year, month and day, such as 2027-06-30"
        ) from None


class Suppression(CatalogModel):
    """A finding that is accepted for a while."""

    rule: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]*|CKV2?_[A-Z0-9]+_[0-9]+)$")]
    """The rule as findings name it: a policy such as `rights-are-named`, or checkov's check."""
    stacks: Annotated[str, Field(pattern=r"^[a-z0-9.*-]+$")]
    """The stack where it is accepted; `*` stands for anything, as in `tenant.*`."""
    resource: Annotated[str, Field(pattern=r"^[A-Za-z0-9._*-]+$")]
    """The resource's name; `*` stands for anything, and alone for the whole stack too."""
    reason: Annotated[Line, Field(min_length=20, max_length=300)]
    """Why it is right here, for whoever reviews it again."""
    expires: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_date)]
    """The last day on which it is accepted, such as 2027-06-30; after it the finding is back."""

    def is_for(self, stack: str) -> bool:
        """Whether it is about a stack."""
        return fnmatchcase(stack, self.stacks)

    def covers(self, rule: str, stack: str, resource: str, today: date | None = None) -> bool:
        """Whether what a rule finds in a stack is accepted still; a whole stack's name is empty."""
        last = date.fromisoformat(self.expires)
        return (
            rule == self.rule
            and self.is_for(stack)
            and fnmatchcase(resource, self.resource)
            and (today or datetime.now(UTC).date()) <= last
        )
