"""Makes the ledger's table as the organization's stack does, where that is not brought up."""

from __future__ import annotations

from typing import Any


def make_ledger_table(client: Any, name: str) -> None:
    """Make an empty table of placements; `client` is DynamoDB's, of the account that has it."""
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "tenant", "KeyType": "HASH"},
            {"AttributeName": "version", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "tenant", "AttributeType": "S"},
            {"AttributeName": "version", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
