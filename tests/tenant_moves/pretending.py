"""What a tenant's database only says that it has, while a test lasts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg


@contextlib.contextmanager
def pretended_extension(superuser: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """An extension, by a superuser's session that commits each statement."""
    superuser.execute("SET allow_system_table_mods = on")
    superuser.execute(
        "INSERT INTO pg_extension SELECT 99999, %s, 10, 11, false, '1', NULL, NULL",
        (name,),
    )
    try:
        yield
    finally:
        superuser.execute("DELETE FROM pg_extension WHERE extname = %s", (name,))
