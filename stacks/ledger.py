"""Reads the placements that serve tenants now from the organization's table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalog.tenant import Served

if TYPE_CHECKING:
    from catalog.catalog import Catalog, Ledger
    from catalog.organization import Organization


class NoLedgerError(LookupError):
    """The ledger's table is not there, so the organization has not been brought up."""


def table_name(organization: str) -> str:
    """The ledger's table."""
    return f"{organization}-placements"


def table_arn(organization: Organization) -> str:
    """The table by its ARN: deployments and movers reach it from their environment's account."""
    return (
        f"arn:aws:dynamodb:{organization.home_region}:{organization.accounts.management}"
        f":table/{table_name(organization.name)}"
    )


def read_ledger(catalog: Catalog, client: Any = None) -> Ledger:
    """Every tenant's serving placement, by the tenant's name.

    `client` is a boto3 DynamoDB client; by default the one of the ambient credentials, in the
    organization's home region. The current placement is the item at version 0; later versions are
    its history (see `components.aws.ledger`).

    Raises:
        NoLedgerError: the table is not there.
    """
    import boto3

    organization = catalog.organization
    dynamodb = client or boto3.client("dynamodb", region_name=organization.home_region)
    table = table_arn(organization)
    placements: Ledger = {}
    try:
        for page in dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="#version = :current",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":current": {"N": "0"}},
            ConsistentRead=True,
        ):
            for item in page["Items"]:
                placements[item["tenant"]["S"]] = served(item)
    except dynamodb.exceptions.ResourceNotFoundException:
        raise NoLedgerError(
            f"the ledger's table {table} does not exist in {organization.home_region}; "
            "bring up the stack `organization` first"
        ) from None
    return placements


def served(item: dict[str, Any]) -> Served:
    """The placement of an item, with the one that is kept beside it and what was left."""
    besides: dict[str, Any] = {
        name: json.loads(item[name]["S"]) for name in ("keeps", "retained") if name in item
    }
    if "parting" not in item:
        besides["spans"] = item.get("spans", {}).get("S", "").split()
    return Served.model_validate(json.loads(item["placement"]["S"]) | besides)
