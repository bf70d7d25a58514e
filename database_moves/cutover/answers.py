"""Tells a server or pooler that did not answer from everything else that can go wrong."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import psycopg
from psycopg import errors as postgresql

from database_moves.cutover.protocol import UnreachableError
from database_moves.poolers.pooler import PoolerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def effect(function: Callable[P, T]) -> Callable[P, T]:
    """Make an effect raise `UnreachableError` where trying again may help."""

    @functools.wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (postgresql.LockNotAvailable, postgresql.QueryCanceled):
            raise
        except (psycopg.OperationalError, PoolerUnreachableError, psycopg.InterfaceError) as error:
            raise UnreachableError(str(error).strip().splitlines()[0] or "no answer") from error

    return told
