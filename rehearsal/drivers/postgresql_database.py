"""Databases, schemas and extensions on the local PostgreSQL servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from rehearsal.drivers.autonaming import physical_name
from rehearsal.drivers.postgresql_session import Session, ident, session

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Inputs, Outputs


class DatabaseDriver:
    """`postgresql:index/database:Database`."""

    replaced_by = frozenset({"template", "encoding", "lcCollate", "lcCtype"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the database from template0, owned by the given role or the provider's user."""
        database = inputs.get("name") or physical_name(name)
        with session(cloud, transaction=False) as current:
            owner = inputs.get("owner") or current.user
            with current.member_of([owner]):
                if not current.marked_for("DATABASE", database, name):
                    current.run(
                        "CREATE DATABASE {database} {options}",
                        database=ident(database),
                        options=_options(inputs, owner),
                    )
                    current.mark("DATABASE", database, name)
            return database, {"name": database, "owner": owner} | _facts(current, database)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Rename, hand over or limit the database in place."""
        former, database = outputs["name"], new.get("name") or outputs["name"]
        owner = new.get("owner") or outputs["owner"]
        with session(cloud, transaction=False) as current:
            if database != former:
                current.run(
                    "ALTER DATABASE {former} RENAME TO {database}",
                    former=ident(former),
                    database=ident(database),
                )
            if owner != outputs["owner"]:
                with current.member_of([owner]):
                    current.run(
                        "ALTER DATABASE {database} OWNER TO {owner}",
                        database=ident(database),
                        owner=ident(owner),
                    )
            for clause in _changeable(new, old):
                current.run(
                    "ALTER DATABASE {database} WITH {clause}",
                    database=ident(database),
                    clause=clause,
                )
            if _tablespace(new) != _tablespace(old):
                current.run(
                    "ALTER DATABASE {database} SET TABLESPACE {tablespace}",
                    database=ident(database),
                    tablespace=ident(_tablespace(new)),
                )
            facts = _facts(current, database)
        if owner != outputs["owner"] and new.get("alterObjectOwnership"):
            _reassign(cloud, database, outputs["owner"], owner)
        return {"name": database, "owner": owner} | facts

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Drop the database, ending the sessions in it."""
        database = outputs.get("name", id)
        with session(cloud, transaction=False) as current:
            if not current.database_exists(database):
                return
            with current.member_of([outputs.get("owner") or current.user]):
                name = ident(database)
                if inputs.get("isTemplate"):
                    current.run("ALTER DATABASE {name} WITH IS_TEMPLATE false", name=name)
                current.run("DROP DATABASE {name} WITH (FORCE)", name=name)


class SchemaDriver:
    """`postgresql:index/schema:Schema`; an existing schema is taken over, as `public` must be."""

    replaced_by = frozenset({"database"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the schema, or set the owner of the one there is."""
        schema = inputs.get("name") or physical_name(name)
        with session(cloud, inputs.get("database")) as current:
            database = str(current.value("SELECT current_database()"))
            owner = inputs.get("owner")
            with current.member_of([_database_owner(current), *([owner] if owner else [])]):
                exists = current.value("SELECT true FROM pg_namespace WHERE nspname = %s", schema)
                if exists and not inputs.get("ifNotExists", True):
                    raise ValueError(f"schema {schema} exists already in {database}")
                if not exists:
                    current.run("CREATE SCHEMA {schema}", schema=ident(schema))
                if owner:
                    _own_schema(current, schema, owner)
            return f"{database}.{schema}", _schema_outputs(current, database, schema)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Rename the schema or hand it over."""
        former, schema = outputs["name"], new.get("name") or outputs["name"]
        owner = new.get("owner") or outputs["owner"]
        with session(cloud, outputs["database"]) as current:
            with current.member_of([_database_owner(current), outputs["owner"], owner]):
                if schema != former:
                    current.run(
                        "ALTER SCHEMA {former} RENAME TO {schema}",
                        former=ident(former),
                        schema=ident(schema),
                    )
                if owner != outputs["owner"]:
                    _own_schema(current, schema, owner)
            return _schema_outputs(current, outputs["database"], schema)

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Drop the schema; one that holds objects is refused unless `dropCascade` is set."""
        with session(cloud) as current:
            if not current.database_exists(outputs["database"]):
                return
        with session(cloud, outputs["database"]) as current:
            schema = ident(outputs["name"])
            with current.member_of([outputs["owner"]]):
                if inputs.get("dropCascade"):
                    current.run("DROP SCHEMA IF EXISTS {schema} CASCADE", schema=schema)
                else:
                    current.run("DROP SCHEMA IF EXISTS {schema} RESTRICT", schema=schema)


class ExtensionDriver:
    """`postgresql:index/extension:Extension`, where the local server has that extension."""

    replaced_by = frozenset({"name", "database"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the extension in its database."""
        extension = inputs.get("name") or name
        clauses: list[sql.Composable] = []
        if inputs.get("schema"):
            clauses.append(sql.SQL("SCHEMA {}").format(ident(inputs["schema"])))
        if inputs.get("version"):
            clauses.append(sql.SQL("VERSION {}").format(ident(inputs["version"])))
        if inputs.get("createCascade"):
            clauses.append(sql.SQL("CASCADE"))
        with session(cloud, inputs.get("database")) as current:
            with current.member_of([_database_owner(current)]):
                current.run(
                    "CREATE EXTENSION IF NOT EXISTS {extension} {options}",
                    extension=ident(extension),
                    options=sql.SQL(" ").join(clauses),
                )
            database = str(current.value("SELECT current_database()"))
            return f"{database}.{extension}", _extension_outputs(current, database, extension)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Move the extension to another schema or version."""
        extension = ident(outputs["name"])
        with session(cloud, outputs["database"]) as current:
            if new.get("schema") and new["schema"] != outputs["schema"]:
                schema = ident(new["schema"])
                current.run("ALTER EXTENSION {e} SET SCHEMA {schema}", e=extension, schema=schema)
            if new.get("version") and new["version"] != outputs["version"]:
                version = ident(new["version"])
                current.run("ALTER EXTENSION {e} UPDATE TO {version}", e=extension, version=version)
            return _extension_outputs(current, outputs["database"], outputs["name"])

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Drop the extension; one in use is refused unless `dropCascade` is set."""
        with session(cloud) as current:
            if not current.database_exists(outputs["database"]):
                return
        with session(cloud, outputs["database"]) as current:
            extension = ident(outputs["name"])
            if inputs.get("dropCascade"):
                current.run("DROP EXTENSION IF EXISTS {e} CASCADE", e=extension)
            else:
                current.run("DROP EXTENSION IF EXISTS {e} RESTRICT", e=extension)


def _options(inputs: Inputs, owner: str) -> sql.Composed:
    clauses = [
        sql.SQL("OWNER {}").format(ident(owner)),
        sql.SQL("TEMPLATE {}").format(ident(inputs.get("template") or "template0")),
        sql.SQL("ENCODING {}").format(sql.Literal(inputs.get("encoding") or "UTF8")),
    ]
    for key, word in (("lcCollate", sql.SQL("LC_COLLATE")), ("lcCtype", sql.SQL("LC_CTYPE"))):
        value = inputs.get(key)
        if value and value.upper() != "DEFAULT":
            clauses.append(sql.SQL("{} {}").format(word, sql.Literal(value)))
    # Naming pg_default, even as the template has it, needs a right that only superusers have.
    if (tablespace := _tablespace(inputs)) != "pg_default":
        clauses.append(sql.SQL("TABLESPACE {}").format(ident(tablespace)))
    return sql.SQL(" ").join([*clauses, *_changeable(inputs, None)])


def _changeable(new: Inputs, old: Inputs | None) -> list[sql.Composed]:
    """What can change in place and does; everything where there are no former inputs."""
    return [
        sql.SQL("{} {}").format(word, sql.Literal(new.get(key, default)))
        for key, default, word in (
            ("allowConnections", True, sql.SQL("ALLOW_CONNECTIONS")),
            ("connectionLimit", -1, sql.SQL("CONNECTION LIMIT")),
            ("isTemplate", False, sql.SQL("IS_TEMPLATE")),
        )
        if old is None or new.get(key, default) != old.get(key, default)
    ]


def _tablespace(inputs: Inputs) -> str:
    value = inputs.get("tablespaceName") or "DEFAULT"
    return "pg_default" if value.upper() == "DEFAULT" else value


def _facts(current: Session, database: str) -> dict[str, Any]:
    row = current.connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
        " WHERE datname = %s",
        [database],
    ).fetchone()
    return dict(zip(("encoding", "lcCollate", "lcCtype"), row or (), strict=False))


def _reassign(cloud: Cloud, database: str, former: str, owner: str) -> None:
    with session(cloud, database) as current, current.member_of([former, owner]):
        current.run(
            "REASSIGN OWNED BY {former} TO {owner}", former=ident(former), owner=ident(owner)
        )


def _database_owner(current: Session) -> str:
    return str(
        current.value(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
    )


def _own_schema(current: Session, schema: str, owner: str) -> None:
    current.run("ALTER SCHEMA {schema} OWNER TO {owner}", schema=ident(schema), owner=ident(owner))


def _schema_outputs(current: Session, database: str, schema: str) -> Outputs:
    owner = current.value(
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %s", schema
    )
    return {"name": schema, "database": database, "owner": owner}


def _extension_outputs(current: Session, database: str, extension: str) -> Outputs:
    row = current.connection.execute(
        "SELECT nspname, extversion FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        " WHERE extname = %s",
        [extension],
    ).fetchone()
    schema, version = row or (None, None)
    return {"name": extension, "database": database, "schema": schema, "version": version}
