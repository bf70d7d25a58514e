"""Roles on the local PostgreSQL servers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from rehearsal.drivers.autonaming import physical_name
from rehearsal.drivers.postgresql_session import Session, ident, idents, session

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Inputs, Outputs

# Input, its default, what it says in SQL.
_FLAGS: tuple[tuple[str, bool, LiteralString], ...] = (
    ("superuser", False, "SUPERUSER"),
    ("createDatabase", False, "CREATEDB"),
    ("createRole", False, "CREATEROLE"),
    ("inherit", True, "INHERIT"),
    ("login", False, "LOGIN"),
    ("replication", False, "REPLICATION"),
    ("bypassRowLevelSecurity", False, "BYPASSRLS"),
)

_SETTINGS: dict[str, LiteralString] = {
    "statementTimeout": "statement_timeout",
    "idleInTransactionSessionTimeout": "idle_in_transaction_session_timeout",
    "assumeRole": "role",
}


class RoleDriver:
    """`postgresql:index/role:Role`; everything, its name too, changes in place."""

    replaced_by = frozenset[str]()

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the role with its attributes, password, memberships and settings."""
        role = inputs.get("name") or physical_name(name)
        with session(cloud) as current:
            if current.marked_for("ROLE", role, name):
                _drop_unused(current, role)
            current.run(
                "CREATE ROLE {role} WITH {attributes}",
                role=ident(role),
                attributes=_attributes(inputs, {}),
            )
            current.mark("ROLE", role, name)
            _set_password(current, role, inputs)
            _set_memberships(current, role, inputs, {})
            _set_settings(current, role, inputs, {})
        return role, {"name": role}

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Bring the role to its new inputs; the password is sent only where it has changed."""
        role = new.get("name") or outputs.get("name", id)
        with session(cloud) as current:
            if role != outputs.get("name", id):
                former = ident(outputs.get("name", id))
                current.run("ALTER ROLE {former} RENAME TO {role}", former=former, role=ident(role))
            attributes = _attributes(new, old)
            if attributes.as_string(current.connection):
                current.run(
                    "ALTER ROLE {role} WITH {attributes}", role=ident(role), attributes=attributes
                )
            if _password(new) != _password(old):
                _set_password(current, role, new)
            _set_memberships(current, role, new, old)
            _set_settings(current, role, new, old)
        return {"name": role}

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Hand what the role owns to the provider's user, drop its privileges and itself."""
        role = outputs.get("name", id)
        with session(cloud) as current:
            if not current.role_exists(role):
                return
            if not inputs.get("skipReassignOwned"):
                with current.member_of([role]):
                    user = ident(current.user)
                    current.run("REASSIGN OWNED BY {role} TO {user}", role=ident(role), user=user)
                    current.run("DROP OWNED BY {role}", role=ident(role))
            if not inputs.get("skipDropRole"):
                current.run("DROP ROLE {role}", role=ident(role))


def _drop_unused(current: Session, role: str) -> None:
    """Drop a role whose creation was cut short; one that has come to own something stays."""
    with (
        contextlib.suppress(psycopg.errors.DependentObjectsStillExist),
        current.connection.transaction(),
    ):
        current.run("DROP ROLE {role}", role=ident(role))


def _attributes(new: Inputs, old: Inputs) -> sql.Composed:
    """The attributes that differ from the former inputs, all of them where there are none."""
    clauses: list[sql.Composable] = []
    for key, default, word in _FLAGS:
        if not old or bool(new.get(key, default)) != bool(old.get(key, default)):
            clauses.append(sql.SQL(word if new.get(key, default) else "NO" + word))
    limit = int(new.get("connectionLimit", -1))
    if not old or limit != int(old.get("connectionLimit", -1)):
        clauses.append(sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(limit)))
    until = new.get("validUntil") or "infinity"
    if not old or until != (old.get("validUntil") or "infinity"):
        clauses.append(sql.SQL("VALID UNTIL {}").format(sql.Literal(until)))
    return sql.SQL(" ").join(clauses)


def _password(inputs: Inputs) -> tuple[Any, ...]:
    return (
        inputs.get("password"),
        inputs.get("passwordWoVersion"),
        None if inputs.get("passwordWoVersion") else inputs.get("passwordWo"),
    )


def _set_password(current: Session, role: str, inputs: Inputs) -> None:
    password = inputs.get("password") or inputs.get("passwordWo")
    if not password or str(password).upper() == "NULL":
        current.run("ALTER ROLE {role} PASSWORD NULL", role=ident(role))
        return
    # The server gets a verifier only, so no log, statistic or error of its can show the password.
    verifier = current.connection.pgconn.encrypt_password(
        str(password).encode(), role.encode(), b"scram-sha-256"
    )
    current.run(
        "ALTER ROLE {role} PASSWORD {verifier}",
        role=ident(role),
        verifier=sql.Literal(verifier.decode()),
    )


def _set_memberships(current: Session, role: str, new: Inputs, old: Inputs) -> None:
    wanted, former = list(new.get("roles") or []), list(old.get("roles") or [])
    for group in former:
        if group not in wanted and current.role_exists(group):
            current.run("REVOKE {group} FROM {role}", group=ident(group), role=ident(role))
    for group in wanted:
        if group not in former:
            current.run("GRANT {group} TO {role}", group=ident(group), role=ident(role))


def _set_settings(current: Session, role: str, new: Inputs, old: Inputs) -> None:
    values: dict[LiteralString, tuple[Any, Any]] = {
        setting: (new.get(key) or None, old.get(key) or None) for key, setting in _SETTINGS.items()
    }
    for setting, (value, former) in values.items():
        if value != former:
            _set(current, role, setting, None if value is None else sql.Literal(str(value)))
    paths, former_paths = new.get("searchPaths") or [], old.get("searchPaths") or []
    if paths != former_paths:
        _set(current, role, "search_path", idents(paths) if paths else None)


def _set(current: Session, role: str, setting: LiteralString, value: sql.Composable | None) -> None:
    if value is None:
        current.run("ALTER ROLE {role} RESET {name}", role=ident(role), name=ident(setting))
    else:
        current.run(
            "ALTER ROLE {role} SET {name} TO {value}",
            role=ident(role),
            name=ident(setting),
            value=value,
        )
