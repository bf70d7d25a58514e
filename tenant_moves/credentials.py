"""A tenant's secrets: what each slice's says of the database, never shown and never stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenant_moves.slices import DatabaseAt, Slice


DATABASE = "database"
"""The last part of the name of the secret that says how the database is reached."""

TAG = "patchworks-brought-by"
"""The tag of a secret that a move has made in another cell; its value is the move's name."""


def bring(here: Any, there: Any, source: Slice, target: Slice, move: str) -> int:
    """Bring the tenant's other secrets, such as those people made, under the target's key.

    How many had to be written. A value is opened by the one region's key and closed by the other's,
    and is in this process's memory only. What is in the target and not in the source stays.
    """
    written = 0
    for name in _others(here, source):
        wanted = target.secret.removesuffix(DATABASE) + name
        value = _value(here.get_secret_value(SecretId=source.secret.removesuffix(DATABASE) + name))
        try:
            if _value(there.get_secret_value(SecretId=wanted)) == value:
                continue
            there.put_secret_value(SecretId=wanted, **value)
        except there.exceptions.ResourceNotFoundException:
            there.create_secret(
                Name=wanted,
                KmsKeyId=target.key_arn,
                Tags=[{"Key": TAG, "Value": move}],
                **value,
            )
        written += 1
    return written


def _others(secrets: Any, at: Slice) -> list[str]:
    """The last parts of the names of the tenant's secrets, but for the database's."""
    prefix = at.secret.removesuffix(DATABASE)
    pages = secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [prefix]}]
    )
    found = [item["Name"] for page in pages for item in page["SecretList"]]
    return sorted(
        name.removeprefix(prefix) for name in found if name.startswith(prefix) and name != at.secret
    )


def _value(answer: Any) -> dict[str, Any]:
    return {name: answer[name] for name in ("SecretString", "SecretBinary") if name in answer}


def read(secrets: Any, at: Slice) -> dict[str, Any]:
    """What a slice's secret says; it holds the password."""
    answer = secrets.get_secret_value(SecretId=at.secret)
    content: dict[str, Any] = json.loads(answer["SecretString"])
    return content


def lead_to(secrets: Any, at: Slice, database: DatabaseAt) -> bool:
    """Let a slice's secret name the database that serves; whether it had to be changed.

    The secret stays under its own slice's key: Secrets Manager encrypts each version with it.
    """
    content = read(secrets, at)
    wanted = content | _address(database)
    if content == wanted:
        return False
    secrets.put_secret_value(SecretId=at.secret, SecretString=json.dumps(wanted))
    return True


def leads_to(secrets: Any, at: Slice, database: DatabaseAt) -> bool:
    """Whether a slice's secret names a database."""
    content = read(secrets, at)
    return {name: content.get(name) for name in _address(database)} == _address(database)


def _address(database: DatabaseAt) -> dict[str, Any]:
    return {
        "writer_host": database.writer_endpoint,
        "reader_host": database.reader_endpoint,
        "database_port": database.port,
        "dbname": database.database,
    }


def key_of(secrets: Any, at: Slice) -> str | None:
    """The key that a slice's secret is encrypted with."""
    found: str | None = secrets.describe_secret(SecretId=at.secret).get("KmsKeyId")
    return found
