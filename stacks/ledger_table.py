"""Changes the placement ledger, by compare-and-set only, and keeps its history.

A tenant's current entry is the item at version 0; each change also writes the item at the version
that is its revision. Both are written in one transaction, on the condition that the entry is still
the one that was read, so of two writers at most one wins and the history has no gap.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from catalog.base import CatalogModel
from catalog.tenant import Placement, Retained
from stacks.ledger import served, table_arn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Organization

_CURRENT = "0"


class Entry(CatalogModel):
    """What the ledger says of a tenant, since one revision of it."""

    tenant: str
    revision: int
    """Counts the changes; 0 for an entry that something else than this module wrote."""
    placement: Placement
    """The placement that serves."""
    target: Placement | None = None
    """Where the move under way goes; None while there is none."""
    keeps: Placement | None = None
    """A placement that does not serve and whose slice stays, for a way back."""
    move: str | None = None
    """The name of the move under way, which nobody else may begin meanwhile."""
    retained: tuple[Retained, ...] = ()
    """What the tenant left in other cells, for a slice that comes back there."""
    spans: tuple[str, ...] = ()
    """Placements in several cells, as `cell/database`, between which the tenant's stack needs a
    way; where a move under way began comes first. Empty while it is in one cell."""
    parting: bool = False
    """Whether that way is needed no more, though it may still be there."""
    gone: Placement | None = None
    """The side of the move under way that is gone for good, and without which it is being ended."""
    why: str = ""
    at: datetime


class StaleEntryError(Exception):
    """The ledger was changed since it was read, so this change would undo another's.

    Attributes:
        tenant: whose entry it is.
        found: the entry there is now, or None.
    """

    def __init__(self, tenant: str, found: Entry | None) -> None:
        self.tenant = tenant
        self.found = found
        now = "gone" if found is None else f"at revision {found.revision} ({found.why})"
        super().__init__(f"the ledger's entry of {tenant} was changed meanwhile: it is {now}")


class LedgerTable:
    """The organization's table of placements, as one client sees it."""

    def __init__(self, organization: Organization, client: Any) -> None:
        """`client` is a boto3 DynamoDB client of whoever may set placements."""
        self._table = table_arn(organization)
        self._client = client

    def entry(self, tenant: str) -> Entry | None:
        """What the ledger says of a tenant now; None for one that was never served."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"tenant": {"S": tenant}, "version": {"N": _CURRENT}},
            ConsistentRead=True,
        )
        return _entry(answer["Item"]) if "Item" in answer else None

    def history(self, tenant: str) -> list[Entry]:
        """Every change of a tenant's entry, the first one first."""
        found = []
        for page in self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="tenant = :tenant AND version > :current",
            ExpressionAttributeValues={":tenant": {"S": tenant}, ":current": {"N": _CURRENT}},
            ConsistentRead=True,
        ):
            found += [_entry(item) for item in page["Items"]]
        return found

    def change(
        self,
        tenant: str,
        known: Entry | None,
        *,
        placement: Placement,
        why: str,
        target: Placement | None = None,
        keeps: Placement | None = None,
        move: str | None = None,
        retained: Sequence[Retained] | None = None,
        spans: Sequence[str] | None = None,
        parting: bool = False,
        gone: Placement | None = None,
    ) -> Entry:
        """Replace the entry that was read by a new one, if it is still the same.

        What is retained, and what is spanned, stays as it was where it is not given.

        Raises `StaleEntryError` with nothing changed where it is not.
        """
        new = Entry(
            tenant=tenant,
            revision=(known.revision if known is not None else 0) + 1,
            placement=placement,
            target=target,
            keeps=keeps,
            move=move,
            retained=tuple(retained if retained is not None else known.retained if known else ()),
            spans=tuple(spans if spans is not None else known.spans if known else ()),
            parting=parting,
            gone=gone,
            why=why,
            at=datetime.now(UTC),
        )
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {"Put": self._put(new, _CURRENT, _still(known))},
                    {"Put": self._put(new, str(new.revision), {"ConditionExpression": _NEW})},
                ]
            )
        except self._client.exceptions.TransactionCanceledException:
            found = self.entry(tenant)
            if found == new:
                # An answer that was lost: the client tried again what had been done.
                return found
            raise StaleEntryError(tenant, found) from None
        return new

    def _put(self, entry: Entry, version: str, condition: dict[str, Any]) -> dict[str, Any]:
        return {"TableName": self._table, "Item": _item(entry, version), **condition}


_NEW = "attribute_not_exists(tenant)"


def _still(known: Entry | None) -> dict[str, Any]:
    if known is None:
        return {"ConditionExpression": _NEW}
    if known.revision == 0:
        return {
            "ConditionExpression": "attribute_exists(tenant) AND attribute_not_exists(revision)"
        }
    return {
        "ConditionExpression": "revision = :known",
        "ExpressionAttributeValues": {":known": {"N": str(known.revision)}},
    }


def _item(entry: Entry, version: str) -> dict[str, Any]:
    item: dict[str, dict[str, Any]] = {
        "tenant": {"S": entry.tenant},
        "version": {"N": version},
        "revision": {"N": str(entry.revision)},
        "placement": {"S": _text(entry.placement)},
        "why": {"S": entry.why},
        "at": {"S": entry.at.isoformat()},
    }
    for name, value in (("target", entry.target), ("keeps", entry.keeps), ("gone", entry.gone)):
        if value is not None:
            item[name] = {"S": _text(value)}
    if entry.move is not None:
        item["move"] = {"S": entry.move}
    if entry.retained:
        left = [each.model_dump(mode="json", exclude_none=True) for each in entry.retained]
        item["retained"] = {"S": json.dumps(left, sort_keys=True)}
    if entry.spans:
        item["spans"] = {"S": " ".join(entry.spans)}
    if entry.parting:
        item["parting"] = {"BOOL": True}
    return item


def _text(placement: Placement) -> str:
    # What is not given stays out, so that an entry outlives new settings with defaults.
    return json.dumps(placement.model_dump(mode="json", exclude_none=True), sort_keys=True)


def _entry(item: dict[str, Any]) -> Entry:
    found = served(item)
    return Entry(
        tenant=item["tenant"]["S"],
        revision=int(item.get("revision", {"N": "0"})["N"]),
        placement=found.bare(),
        target=_placement(item, "target"),
        keeps=found.keeps,
        retained=found.retained,
        move=item.get("move", {}).get("S"),
        spans=tuple(item.get("spans", {}).get("S", "").split()),
        parting="parting" in item,
        gone=_placement(item, "gone"),
        why=item.get("why", {"S": ""})["S"],
        at=datetime.fromisoformat(item.get("at", {"S": "1970-01-01T00:00:00+00:00"})["S"]),
    )


def _placement(item: dict[str, Any], name: str) -> Placement | None:
    return Placement.model_validate(json.loads(item[name]["S"])) if name in item else None
