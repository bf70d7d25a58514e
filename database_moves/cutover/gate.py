"""The gate of a database: who may connect, changed with the row that says so in one transaction.

A database that is not open lets nobody connect but the mover's role. That binds every role but
superusers, needs no superuser, survives crashes, and is undone exactly.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from database_moves import control, grantees, names
from database_moves.cutover.protocol import Gate, LostError, Stand, SupersededError
from database_moves.errors import MoveError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Connection = psycopg.Connection[tuple[Any, ...]]

_GATE = sql.SQL("{}.gate").format(sql.Identifier(names.SCHEMA))

_GRANTS = """
SELECT CASE WHEN a.grantee = 0 THEN '' ELSE pg_get_userbyid(a.grantee) END,
       pg_get_userbyid(a.grantor), a.is_grantable, a.grantor = d.datdba
  FROM pg_database AS d
 CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
 WHERE d.datname = current_database() AND a.privilege_type = 'CONNECT'
"""

_BEFORE = "who could connect"
"""The note of who could before the move."""

_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"


class Grant(NamedTuple):
    """The privilege to connect, of one role."""

    grantee: str
    """Empty for everyone."""
    grantor: str
    grantable: bool
    by_owner: bool


def read(connection: Connection) -> Gate:
    """What the gate says; raises `MoveError` where no move was here."""
    try:
        row = connection.execute(sql.SQL("SELECT state, epoch FROM {}").format(_GATE)).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    if row is None:
        raise MoveError("the database has no gate", remedy="run the move again")
    return Gate(*row)


def claimant(connection: Connection) -> str | None:
    """The move that the database is in, or None."""
    if not control.exists(connection):
        return None
    row = connection.execute(sql.SQL("SELECT move FROM {}").format(_GATE)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def claim(connection: Connection, move: str) -> None:
    """Note whose move the database is in; raises `RefusedError` where it is in another."""
    row = connection.execute(
        sql.SQL("UPDATE {} SET move = %s WHERE coalesce(move, %s) = %s RETURNING move").format(
            _GATE
        ),
        (move, move, move),
    ).fetchone()
    if row is None:
        other = connection.execute(sql.SQL("SELECT move FROM {}").format(_GATE)).fetchone()
        raise RefusedError(
            f"the database is in the move {other[0] if other else ''!r}",
            remedy="finish or give up that one first",
        )


def shut(connection: Connection, move: str) -> None:
    """Let no application into a database that is to follow; again changes nothing."""
    claim(connection, move)
    with connection.transaction():
        row = connection.execute(
            sql.SQL("SELECT state FROM {} FOR UPDATE").format(_GATE)
        ).fetchone()
        if row is not None and row[0] == "open":
            _remember(connection)
            _set(connection, "closed", acl=_encode(_grants(connection)))
            _revoke(connection)


def fence(connection: Connection, epoch: int) -> None:
    """open -> fenced with this epoch; raises `LostError` where the gate is not as it was."""
    with connection.transaction():
        _only(connection, ("open",), epoch, lower=True)
        _remember(connection)
        _set(connection, "fenced", epoch, acl=_encode(_grants(connection)))
        _revoke(connection)


def reopen(connection: Connection, epoch: int) -> Stand:
    """fenced or open -> open with this epoch, unless it was handed over; how it stands."""
    with connection.transaction():
        state, present, acl = _locked(connection)
        if present > epoch:
            return Stand.SUPERSEDED
        if state not in ("fenced", "open"):
            return Stand.HANDED_OVER
        if state == "fenced":
            _grant(connection, _decode(acl))
        _set(connection, "open", epoch)
        return Stand.OPEN


def ready(connection: Connection, epoch: int, acl: str, marker: int, side: str) -> None:
    """closed -> closed with this epoch and the grants to open with, if the marker is there."""
    with connection.transaction():
        _only(connection, ("closed", "handed-over"), epoch, lower=True)
        row = connection.execute(
            sql.SQL("SELECT n FROM {}.marker WHERE side = %s").format(sql.Identifier(names.SCHEMA)),
            (side,),
        ).fetchone()
        if row is None or row[0] < marker:
            raise MoveError("the follower lost what it had applied")
        _set(connection, "closed", epoch, acl=acl)


def decide(connection: Connection, epoch: int) -> None:
    """fenced -> handed-over, in the caller's transaction; raises `LostError`."""
    _only(connection, ("fenced",), epoch, lower=False)
    _set(connection, "handed-over", epoch)


def open_follower(connection: Connection, epoch: int) -> None:
    """closed -> open with this epoch; again changes nothing."""
    with connection.transaction():
        state, present, acl = _locked(connection)
        if present > epoch:
            raise SupersededError
        if (state, present) == ("open", epoch):
            return
        if (state, present) != ("closed", epoch):
            raise LostError(f"the follower's gate is {state} since epoch {present}")
        _grant(connection, _decode(acl))
        _set(connection, "open", epoch)


def close_former(connection: Connection, epoch: int) -> None:
    """handed-over -> closed with this epoch; anything else stays as it is."""
    connection.execute(
        sql.SQL(
            "UPDATE {} SET state = 'closed', since = now() "
            "WHERE state = 'handed-over' AND epoch = %s"
        ).format(_GATE),
        (epoch,),
    )


def release(connection: Connection) -> None:
    """Open a database that a move gives up, as it was before the move."""
    with connection.transaction():
        state, epoch, acl = _locked(connection)
        if state != "open":
            before = control.recall(connection, _BEFORE)
            _grant(connection, _decode(before["acl"] if before else acl))
            _set(connection, "open", epoch)
        forget(connection)


def forget(connection: Connection) -> None:
    """Take back what the gate gave to the mover's own role, in a database that stays open."""
    before = control.recall(connection, _BEFORE)
    if before and not before["own"]:
        database = sql.Identifier(_scalar(connection, "SELECT current_database()"))
        own = sql.Identifier(_scalar(connection, "SELECT current_user"))
        connection.execute(_statement("REVOKE CONNECT ON DATABASE {} FROM {}", database, own))


def kept(connection: Connection) -> str:
    """Who may connect while the gate is open, as it was when it was shut; for `ready`."""
    return _locked(connection)[2] or "[]"


def _locked(connection: Connection) -> tuple[str, int, str | None]:
    row = connection.execute(
        sql.SQL("SELECT state, epoch, acl FROM {} FOR UPDATE").format(_GATE)
    ).fetchone()
    if row is None:
        raise MoveError("the database has no gate", remedy="run the move again")
    return row[0], row[1], row[2]


def _only(connection: Connection, states: tuple[str, ...], epoch: int, *, lower: bool) -> None:
    state, present, _ = _locked(connection)
    if state not in states or (present >= epoch if lower else present != epoch):
        raise LostError(f"the gate is {state} since epoch {present}")


def _set(
    connection: Connection, state: str, epoch: int | None = None, *, acl: str | None = None
) -> None:
    connection.execute(
        sql.SQL(
            "UPDATE {} SET state = %s, epoch = coalesce(%s, epoch), acl = coalesce(%s, acl), "
            "since = clock_timestamp()"
        ).format(_GATE),
        (state, epoch, acl),
    )


def _remember(connection: Connection) -> None:
    """Keep who could connect before the gate was shut for the first time."""
    if control.recall(connection, _BEFORE) is None:
        own = _scalar(connection, "SELECT current_user")
        given = any(Grant(*row).grantee == own for row in connection.execute(_GRANTS))
        before = {"acl": _encode(_grants(connection)), "own": given}
        control.remember(connection, _BEFORE, before)


def _grants(connection: Connection) -> list[Grant]:
    own = _scalar(connection, "SELECT current_user")
    found = [Grant(*row) for row in connection.execute(_GRANTS)]
    # Those given to the mover for the move itself are no part of what is restored.
    return [grant for grant in found if grant.grantee != own]


def _encode(grants: Iterable[Grant]) -> str:
    return json.dumps([list(grant) for grant in grants])


def _decode(acl: str | None) -> list[Grant]:
    return [Grant(*item) for item in json.loads(acl or "[]")]


def _revoke(connection: Connection) -> None:
    """Take the privilege from everyone but this role, and what they passed on with it."""
    database = sql.Identifier(_scalar(connection, "SELECT current_database()"))
    own = sql.Identifier(_scalar(connection, "SELECT current_user"))
    found = _grants(connection)
    connection.execute(_statement("GRANT CONNECT ON DATABASE {} TO {}", database, own))
    for grant in found:
        if grant.by_owner:
            connection.execute(
                _statement(
                    "REVOKE CONNECT ON DATABASE {} FROM {} CASCADE",
                    database,
                    grantees.identifier(grant.grantee),
                )
            )
    left = [grant.grantee or "PUBLIC" for grant in _grants(connection)]
    if left:
        raise RefusedError(
            f"the privilege to connect can't be taken from {', '.join(left)}",
            remedy="revoke what was granted by others than the database's owner",
        )


def _grant(connection: Connection, grants: list[Grant]) -> None:
    """Give the privilege back: first what the owner had given, then what others passed on."""
    database = sql.Identifier(_scalar(connection, "SELECT current_database()"))
    owner = _scalar(
        connection,
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
    )
    named = {name for grant in grants for name in (grant.grantee, grant.grantor) if name}
    known = {name for (name,) in connection.execute(_ROLES, (list(named),))}
    for grant in sorted(grants, key=lambda grant: not grant.by_owner):
        if grant.grantee and grant.grantee not in known:
            # A role that this server does not have can't connect to it.
            continue
        option = " WITH GRANT OPTION" if grant.grantable else ""
        statement = _statement(
            f"GRANT CONNECT ON DATABASE {{}} TO {{}}{option}",
            database,
            grantees.identifier(grant.grantee),
        )
        grantor = None if grant.by_owner or grant.grantor == owner else grant.grantor
        if grantor is not None and grantor in known:
            # Given by its own grantor where this role may act for it, else by the owner.
            try:
                with connection.transaction():
                    connection.execute(_statement("SET LOCAL ROLE {}", sql.Identifier(grantor)))
                    connection.execute(statement)
                    connection.execute("RESET ROLE")
            except psycopg.errors.InsufficientPrivilege:
                connection.execute(statement)
            continue
        connection.execute(statement)


def _statement(text: str, *parts: sql.Composable) -> bytes:
    # Sent as bytes: a name may hold a percent sign, which would look like a parameter.
    return sql.SQL(text).format(*parts).as_bytes()


def _scalar(connection: Connection, query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])
