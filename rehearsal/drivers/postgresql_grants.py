"""Privileges, memberships and default privileges on the local PostgreSQL servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from rehearsal.drivers.postgresql_session import Session, ident, idents, session

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Inputs, Outputs

_KINDS: dict[str, LiteralString] = {
    "database": "DATABASE",
    "schema": "SCHEMA",
    "table": "TABLE",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "routine": "ROUTINE",
    "type": "TYPE",
    "column": "TABLE",
}

_PRIVILEGES: dict[str, tuple[LiteralString, ...]] = {
    "database": ("ALL", "CREATE", "CONNECT", "TEMPORARY"),
    "schema": ("ALL", "CREATE", "USAGE"),
    "table": (
        *("ALL", "SELECT", "INSERT", "UPDATE", "DELETE"),
        *("TRUNCATE", "REFERENCES", "TRIGGER"),
    ),
    "sequence": ("ALL", "USAGE", "SELECT", "UPDATE"),
    "function": ("ALL", "EXECUTE"),
    "procedure": ("ALL", "EXECUTE"),
    "routine": ("ALL", "EXECUTE"),
    "type": ("ALL", "USAGE"),
    "column": ("ALL", "SELECT", "INSERT", "UPDATE", "REFERENCES"),
}


class GrantDriver:
    """`postgresql:index/grant:Grant`: the role has exactly these privileges on the objects."""

    replaced_by = frozenset(
        {"role", "database", "schema", "objectType", "objects", "columns", "withGrantOption"}
    )

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Revoke what the role has and grant what is listed, in one transaction."""
        kind = inputs["objectType"]
        privileges = _privileges(kind, inputs)
        with (
            session(cloud, inputs["database"]) as current,
            current.member_of(_owners(current, inputs)),
        ):
            _revoke(current, inputs)
            if privileges:
                current.run(
                    "GRANT {privileges} ON {objects} TO {role}{option}",
                    privileges=_listed(privileges, inputs),
                    objects=_objects(inputs),
                    role=ident(inputs["role"]),
                    option=_option(inputs),
                )
        parts = (inputs["role"], inputs["database"], inputs.get("schema"), kind)
        objects = (*(inputs.get("objects") or ()), *(inputs.get("columns") or ()))
        return "_".join((*filter(None, parts), *objects)), {}

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Replace the privileges; creating does just that."""
        return self.create(id, new, cloud)[1]

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Revoke what the role has; a role, database or schema that is gone took it along."""
        with session(cloud) as current:
            if not _both_exist(current, inputs):
                return
        with session(cloud, inputs["database"]) as current:
            if not _schema_exists(current, inputs):
                return
            with current.member_of(_owners(current, inputs)):
                _revoke(current, inputs)


class GrantRoleDriver:
    """`postgresql:index/grantRole:GrantRole`: one role's membership in another."""

    replaced_by = frozenset({"role", "grantRole", "withAdminOption"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Grant the membership anew, with or without the right to pass it on."""
        group, role = ident(inputs["grantRole"]), ident(inputs["role"])
        admin = bool(inputs.get("withAdminOption"))
        with session(cloud) as current:
            current.run(
                "GRANT {group} TO {role}{option}",
                group=group,
                role=role,
                option=sql.SQL(" WITH ADMIN OPTION" if admin else ""),
            )
        return f"{inputs['role']}_{inputs['grantRole']}_{str(admin).lower()}", {}

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Nothing of it changes in place."""
        return outputs

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """End the membership."""
        with session(cloud) as current:
            if current.role_exists(inputs["role"]) and current.role_exists(inputs["grantRole"]):
                group, role = ident(inputs["grantRole"]), ident(inputs["role"])
                current.run("REVOKE {group} FROM {role}", group=group, role=role)


class DefaultPrivilegesDriver:
    """`postgresql:index/defaultPrivileges:DefaultPrivileges`: for objects that are yet to come."""

    replaced_by = frozenset(
        {"role", "database", "owner", "schema", "objectType", "withGrantOption"}
    )

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Replace the role's default privileges on what the owner will create."""
        kind = inputs["objectType"]
        if kind == "schema" and inputs.get("schema"):
            raise ValueError("default privileges on schemas cannot be limited to a schema")
        privileges = _privileges(kind, inputs)
        with session(cloud, inputs["database"]) as current, current.member_of([inputs["owner"]]):
            _revoke_default(current, inputs)
            if privileges:
                current.run(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} {scope}"
                    " GRANT {privileges} ON {kind} TO {role}{option}",
                    owner=ident(inputs["owner"]),
                    scope=_scope(inputs),
                    privileges=sql.SQL(", ").join(map(sql.SQL, privileges)),
                    kind=sql.SQL(_KINDS[kind] + "S"),
                    role=ident(inputs["role"]),
                    option=_option(inputs),
                )
        schema = inputs.get("schema") or "noschema"
        parts = (inputs["role"], inputs["database"], schema, inputs["owner"], kind)
        return "_".join(parts), {}

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Replace the default privileges; creating does just that."""
        return self.create(id, new, cloud)[1]

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Revoke the default privileges."""
        with session(cloud) as current:
            if not _both_exist(current, inputs) or not current.role_exists(inputs["owner"]):
                return
        with session(cloud, inputs["database"]) as current:
            if _schema_exists(current, inputs):
                with current.member_of([inputs["owner"]]):
                    _revoke_default(current, inputs)


def _privileges(kind: str, inputs: Inputs) -> list[LiteralString]:
    """The listed privileges as SQL words; `ValueError` for one the kind of object has not."""
    allowed = _PRIVILEGES.get(kind)
    if allowed is None:
        raise ValueError(f"the local cloud has no privileges on a {kind}, only on {[*_PRIVILEGES]}")
    found = []
    for privilege in inputs["privileges"]:
        if privilege not in allowed:
            raise ValueError(f"{privilege} is no privilege of a {kind}; allowed: {[*allowed]}")
        found.append(allowed[allowed.index(privilege)])
    return found


def _listed(privileges: list[LiteralString], inputs: Inputs) -> sql.Composed:
    words: list[sql.Composable] = [sql.SQL(privilege) for privilege in privileges]
    if inputs["objectType"] == "column":
        columns = idents(inputs["columns"])
        words = [sql.SQL("{} ({})").format(word, columns) for word in words]
    return sql.SQL(", ").join(words)


def _objects(inputs: Inputs) -> sql.Composed:
    kind = inputs["objectType"]
    word, schema, names = sql.SQL(_KINDS[kind]), inputs.get("schema"), inputs.get("objects") or []
    if kind == "database":
        return sql.SQL("DATABASE {}").format(ident(inputs["database"]))
    if kind == "schema":
        return sql.SQL("SCHEMA {}").format(ident(str(schema)))
    if not names:
        return sql.SQL("ALL {}S IN SCHEMA {}").format(word, ident(str(schema)))
    listed = sql.SQL(", ").join(_qualified(str(schema), name) for name in names)
    return sql.SQL("{} {}").format(word, listed)


def _qualified(schema: str, name: str) -> sql.Composable:
    """An object's name; a function's argument types, which follow it, are types and stay plain."""
    function, parenthesis, arguments = name.partition("(")
    qualified = sql.Identifier(schema, function)
    if not parenthesis:
        return qualified
    types = [part.strip() for part in arguments.rstrip(")").split(",") if part.strip()]
    if not all(
        part.replace("[]", "").replace("_", " ").replace(" ", "").isalnum() for part in types
    ):
        raise ValueError(f"{name!r} does not name a function and its argument types")
    listed = sql.SQL(", ").join(sql.SQL(part) for part in types)
    return sql.SQL("{}({})").format(qualified, listed)


def _option(inputs: Inputs) -> sql.SQL:
    return sql.SQL(" WITH GRANT OPTION" if inputs.get("withGrantOption") else "")


def _scope(inputs: Inputs) -> sql.Composable:
    schema = inputs.get("schema")
    return sql.SQL("IN SCHEMA {}").format(ident(schema)) if schema else sql.SQL("")


def _revoke(current: Session, inputs: Inputs) -> None:
    privileges = sql.SQL("ALL PRIVILEGES")
    current.run(
        "REVOKE {privileges} ON {objects} FROM {role}",
        privileges=sql.SQL("ALL PRIVILEGES ({})").format(idents(inputs["columns"]))
        if inputs["objectType"] == "column"
        else privileges,
        objects=_objects(inputs),
        role=ident(inputs["role"]),
    )


def _revoke_default(current: Session, inputs: Inputs) -> None:
    current.run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} {scope} REVOKE ALL ON {kind} FROM {role}",
        owner=ident(inputs["owner"]),
        scope=_scope(inputs),
        kind=sql.SQL(_KINDS[inputs["objectType"]] + "S"),
        role=ident(inputs["role"]),
    )


def _owners(current: Session, inputs: Inputs) -> list[str]:
    """Whose objects are granted. A database's owner is not among them, as with the provider."""
    kind, schema = inputs["objectType"], inputs.get("schema")
    if kind == "database":
        return []
    owners = [
        current.value(
            "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %s", schema
        )
    ]
    if kind != "schema":
        rows = current.connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = %s", [schema]
        )
        owners += [row[0] for row in rows]
    database_owner = current.value(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    named = (database_owner if owner == "pg_database_owner" else owner for owner in owners)
    return [str(owner) for owner in named if owner is not None]


def _both_exist(current: Session, inputs: Inputs) -> bool:
    return current.role_exists(inputs["role"]) and current.database_exists(inputs["database"])


def _schema_exists(current: Session, inputs: Inputs) -> bool:
    schema = inputs.get("schema")
    found = current.value("SELECT true FROM pg_namespace WHERE nspname = %s", schema)
    return not schema or found is not None
