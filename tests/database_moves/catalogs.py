"""What a move may leave behind on a server, listed so that before and after can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from made import Made

_LISTINGS = {
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()",
    "subscriptions": "SELECT subname FROM pg_subscription WHERE subdbid = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())",
    "origins": "SELECT roname FROM pg_replication_origin",
    "publications": "SELECT pubname FROM pg_publication",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'",
    "event triggers": "SELECT evtname FROM pg_event_trigger",
    "extensions": "SELECT extname FROM pg_extension",
    "large objects": "SELECT oid::text FROM pg_largeobject_metadata",
    "roles": "SELECT rolname FROM pg_roles",
    "settings": "SELECT setrole::regrole || array_to_string(setconfig, ',') "
    "FROM pg_db_role_setting",
    "privileges": "SELECT concat_ws(' ', a.grantor::regrole, CASE a.grantee WHEN 0 THEN 'PUBLIC' "
    "ELSE a.grantee::regrole::text END, a.privilege_type, a.is_grantable) FROM pg_database AS d "
    "CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a "
    "WHERE d.datname = current_database()",
    "relations": "SELECT oid::regclass::text FROM pg_class AS c WHERE relnamespace <> ALL "
    "(ARRAY['pg_catalog', 'information_schema', 'pg_toast']::regnamespace[])",
}

Listing = dict[str, list[str]]

MADE_BY_MOVES = ("slots", "subscriptions", "origins", "publications")


def listing(made: Made) -> Listing:
    """Everything of a database, and of its server, that a move could have made or changed."""
    with made.superuser() as connection:
        return {
            name: sorted(str(value) for (value,) in connection.execute(query.encode()))
            for name, query in _LISTINGS.items()
        }


def changed(before: Listing, after: Listing, *, but: tuple[str, ...] = ()) -> dict[str, object]:
    """What differs, with both listings."""
    return {
        name: (before[name], after[name])
        for name in before
        if name not in but and before[name] != after[name]
    }
