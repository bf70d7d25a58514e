"""Permissions inside PostgreSQL: roles, memberships, grants, and what PUBLIC has by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planning.access.actions import ActionSet
from planning.access.permissions import Scope

if TYPE_CHECKING:
    from planning.access.permissions import Permissions
    from rehearsal.graph import Graph, Resource

PUBLIC = "PostgreSQL's PUBLIC"
_INDEX = "postgresql:index/"
_ATTRIBUTES = {
    "superuser": "be a superuser",
    "createRole": "create roles",
    "createDatabase": "create databases",
    "replication": "replicate",
    "bypassRowLevelSecurity": "bypass row security",
    "login": "log in",
}
MEMBERSHIP = "be a member of"
ADMINISTER = "make others members of"
OWN = "own"
GRANT_ON = " and grant it on"


def add_permissions(graph: Graph, permissions: Permissions) -> None:
    """Add what a graph's PostgreSQL resources declare."""
    for role in graph.of_type(f"{_INDEX}role:Role"):
        _role(role, permissions)
    for member in graph.of_type(f"{_INDEX}grantRole:GrantRole"):
        actions = {MEMBERSHIP}
        if member.inputs.get("withAdminOption") is True:
            actions.add(ADMINISTER)
        _add(permissions, member, _who(member), f"role {_text(member, 'grantRole')}", actions)
    closed = set[str]()
    for grant in graph.of_type(f"{_INDEX}grant:Grant"):
        what, who = _what(grant), _who(grant)
        if who == PUBLIC and grant.inputs.get("objectType") == "database":
            closed.add(what)
        _add(permissions, grant, who, what, _privileges(grant))
    for defaults in graph.of_type(f"{_INDEX}defaultPrivileges:DefaultPrivileges"):
        owner = _text(defaults, "owner")
        where = f"{_what(defaults)} that {owner} will create"
        _add(permissions, defaults, _who(defaults), where, _privileges(defaults))
    for database in graph.of_type(f"{_INDEX}database:Database"):
        name = f"database {_text(database, 'name')}"
        _add(permissions, database, f"PostgreSQL role {_text(database, 'owner')}", name, {OWN})
        if name not in closed:
            # https://www.postgresql.org/docs/current/ddl-priv.html: what PUBLIC has by default.
            _add(permissions, database, PUBLIC, name, {"CONNECT", "TEMPORARY"})


def _role(role: Resource, permissions: Permissions) -> None:
    who = f"PostgreSQL role {_text(role, 'name')}"
    actions = {text for key, text in _ATTRIBUTES.items() if role.inputs.get(key) is True}
    _add(permissions, role, who, "its server", actions)
    granted = role.inputs.get("roles")
    for name in granted if isinstance(granted, list) else ():
        _add(permissions, role, who, f"role {name}", {MEMBERSHIP})


def _privileges(resource: Resource) -> set[str]:
    privileges = resource.inputs.get("privileges")
    more = GRANT_ON if resource.inputs.get("withGrantOption") is True else ""
    return {f"{each}{more}" for each in privileges} if isinstance(privileges, list) else set()


def _what(resource: Resource) -> str:
    kind = _text(resource, "objectType")
    database = f"database {_text(resource, 'database')}"
    if kind == "database":
        return database
    get = resource.inputs.get
    schema = get("schema")
    if kind == "schema" and isinstance(schema, str):
        return f"schema {schema} of {database}"
    objects = get("objects")
    names = f" {', '.join(map(str, objects))}" if isinstance(objects, list) and objects else "s"
    place = f"schema {schema} of {database}" if isinstance(schema, str) else database
    return f"{kind}{names} in {place}"


def _who(resource: Resource) -> str:
    name = _text(resource, "role")
    return PUBLIC if name.lower() == "public" else f"PostgreSQL role {name}"


def _text(resource: Resource, key: str) -> str:
    value: Any = resource.inputs.get(key)
    return value if isinstance(value, str) else "of a name that is not known"


def _add(
    permissions: Permissions, declared: Resource, who: str, what: str, actions: set[str]
) -> None:
    permissions.add(
        Scope("postgresql", True, who, what), ActionSet(0, frozenset(actions)), declared
    )
