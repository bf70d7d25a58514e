"""A tenant's secrets: what each slice's says of the database, never shown and never stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenant_moves.slices import DatabaseAt, Slice


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
