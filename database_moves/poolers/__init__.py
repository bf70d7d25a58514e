"""Poolers between applications and the database: they hold clients back while it changes hands."""

from database_moves.poolers.pooler import Pooler, PoolerState, PoolerUnreachableError

__all__ = ["Pooler", "PoolerState", "PoolerUnreachableError"]
