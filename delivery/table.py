"""The table of deliveries: documents that change by compare-and-set only.

An item has the keys `delivery` and `part`, a `revision` that counts its changes, and a `document`.
A delivery's own items lie under its commit; what outlives deliveries lies under `stacks`,
`environments` and `leases`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from catalog.base import CatalogModel
from stacks.deliveries import deliveries_table_arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.organization import Organization

Document = TypeVar("Document", bound=CatalogModel)

ATTEMPTS = 50
"""Of a change that others' changes come before; each is read anew."""


class NoTableError(LookupError):
    """The organization has not been brought up, so nothing can be recorded."""


class StaleError(Exception):
    """An item was changed since it was read; nothing was written."""


@dataclass(frozen=True, slots=True)
class Read(Generic[Document]):
    """An item as it was read; `document` is None where there is none yet."""

    document: Document | None
    revision: int


class DeliveryRecords:
    """The organization's table of deliveries, as one client sees it."""

    def __init__(self, organization: Organization, client: Any) -> None:
        """`client` is a boto3 DynamoDB client in the organization's home region."""
        self._table = deliveries_table_arn(organization)
        self._client = client

    def read(self, kind: type[Document], delivery: str, part: str) -> Read[Document]:
        """One item, as of now.

        Raises:
            NoTableError: there is no table.
        """
        try:
            answer = self._client.get_item(
                TableName=self._table,
                Key={"delivery": {"S": delivery}, "part": {"S": part}},
                ConsistentRead=True,
            )
        except self._client.exceptions.ResourceNotFoundException:
            raise self._missing() from None
        item = answer.get("Item")
        if item is None:
            return Read(None, 0)
        return Read(kind.model_validate_json(item["document"]["S"]), int(item["revision"]["N"]))

    def all(self, kind: type[Document], delivery: str, prefix: str = "") -> dict[str, Document]:
        """Every item under one key whose part begins so, by its part without the prefix.

        Raises:
            NoTableError: there is no table.
        """
        found: dict[str, Document] = {}
        condition, values = "delivery = :delivery", {":delivery": {"S": delivery}}
        if prefix:
            condition += " AND begins_with(part, :prefix)"
            values[":prefix"] = {"S": prefix}
        try:
            for page in self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            ):
                for item in page["Items"]:
                    part = item["part"]["S"].removeprefix(prefix)
                    found[part] = kind.model_validate_json(item["document"]["S"])
        except self._client.exceptions.ResourceNotFoundException:
            raise self._missing() from None
        return found

    def everything(self, kind: type[Document], part: str) -> list[Document]:
        """The items of one part, whichever delivery they are of, in no order.

        Raises:
            NoTableError: there is no table.
        """
        try:
            return [
                kind.model_validate_json(item["document"]["S"])
                for page in self._client.get_paginator("scan").paginate(
                    TableName=self._table,
                    FilterExpression="part = :part",
                    ExpressionAttributeValues={":part": {"S": part}},
                    ConsistentRead=True,
                )
                for item in page["Items"]
            ]
        except self._client.exceptions.ResourceNotFoundException:
            raise self._missing() from None

    def write(self, delivery: str, part: str, document: CatalogModel, known: int) -> None:
        """Write an item if its revision is still the one that was read.

        Raises:
            StaleError: it is not; nothing was written.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "delivery": {"S": delivery},
                    "part": {"S": part},
                    "revision": {"N": str(known + 1)},
                    "document": {"S": document.model_dump_json()},
                },
                ConditionExpression="revision = :known"
                if known
                else "attribute_not_exists(delivery)",
                **({"ExpressionAttributeValues": {":known": {"N": str(known)}}} if known else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise StaleError(f"{delivery} {part} was changed meanwhile") from None

    def change(
        self,
        kind: type[Document],
        delivery: str,
        part: str,
        changed: Callable[[Document | None], Document],
    ) -> Document:
        """Change an item whatever others change meanwhile: `changed` is asked again each time.

        Raises:
            StaleError: others were always faster.
        """
        for _ in range(ATTEMPTS):
            known = self.read(kind, delivery, part)
            new = changed(known.document)
            if new == known.document:
                return new
            try:
                self.write(delivery, part, new, known.revision)
            except StaleError:
                continue
            return new
        raise StaleError(f"{delivery} {part} is changed by others all the time")

    def _missing(self) -> NoTableError:
        return NoTableError(
            f"the table {self._table} is not there; bring up the stack `organization` first"
        )
