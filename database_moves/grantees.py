"""Whom a privilege is granted to, as statements name them."""

from __future__ import annotations

from psycopg import sql


def identifier(name: str) -> sql.Composable:
    """A role's name, or `PUBLIC` where the catalogs have none, for everybody."""
    return sql.Identifier(name) if name else sql.SQL("PUBLIC")
