"""Brings everything but rows from one database to another: before the rows, and after them."""

from __future__ import annotations

from database_moves.schema.after_rows import restore_rest
from database_moves.schema.archive import Archive, dump, load
from database_moves.schema.before_rows import restore_pre_data
from database_moves.schema.erasing import erase
from database_moves.schema.indexes import build_indexes
from database_moves.schema.refreshing import analyze, refresh_materialized_views

__all__ = [
    "Archive",
    "analyze",
    "build_indexes",
    "dump",
    "erase",
    "load",
    "refresh_materialized_views",
    "restore_pre_data",
    "restore_rest",
]
