"""What the zoo is to hold, each item with a question that only a database with it answers yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_RELATION = "SELECT FROM pg_class WHERE oid = '{}'::regclass AND {}"
_COLUMN = "SELECT FROM pg_attribute WHERE attrelid = 'app.{}'::regclass AND attname = '{}' AND {}"
_INDEX = "SELECT FROM pg_index WHERE indexrelid = 'app.{}'::regclass AND {}"
_CONSTRAINT = "SELECT FROM pg_constraint WHERE conrelid = 'app.{}'::regclass AND {}"
_TRIGGER = "SELECT FROM pg_trigger WHERE tgname = '{}' AND tgenabled = '{}'"
_VALUE = "SELECT FROM app.types WHERE {}"

ITEMS: dict[str, tuple[str, ...]] = {
    "partitions": (_RELATION.format("app.events", "relkind = 'p'"),),
    "sub-partitioned": (
        _RELATION.format('app."events 2024 eu"', "relispartition AND relkind='p'"),
    ),
    "a detached part": (_RELATION.format("app.events_2022", "NOT relispartition"),),
    "identity ALWAYS": (_COLUMN.format("orders", "id", "attidentity = 'a'"),),
    "identity BY DEFAULT": (_COLUMN.format("notes", "id", "attidentity = 'd'"),),
    "generated columns": (_COLUMN.format("orders", "gross", "attgenerated = 's'"),),
    "enums": (_VALUE.format("e::text LIKE 'it%%' AND 'sad' = ANY (es)"),),
    "domains": (_VALUE.format("pc = 99.99 AND pcs[2] = 100"),),
    "ranges": (_VALUE.format("isempty(rng) AND mr @> 1::int8 AND fs IS NOT NULL"),),
    "arrays": (_VALUE.format("ia[-1][2] = 1 AND ta[1] = 'NULL' AND ta[2] IS NULL"),),
    "composite": (_VALUE.format("(pr).x = 1 AND prs[2] IS NULL"),),
    "json and jsonb": (_VALUE.format("js::text = '{\"a\":1, \"a\" : 2 }' AND jb ? 'a'"),),
    "a large bytea": (_VALUE.format("length(by) >= %(big)s - 4"),),
    "NaN": (_VALUE.format("r = 'NaN' AND d = 'NaN' AND n = 'NaN'"),),
    "infinity": (_VALUE.format("r = 'infinity' AND d = '-infinity' AND n = 'infinity'"),),
    "infinite dates": (_VALUE.format("dt = 'infinity' AND ts = '-infinity'"),),
    "63-byte quoted unicode names": (
        "SELECT FROM pg_class WHERE octet_length(relname) = 63 AND relname ~ '[^[:ascii:]]'",
        "SELECT FROM pg_attribute WHERE octet_length(attname) = 63 AND attname ~ '[^[:ascii:]]'",
        "SELECT FROM pg_namespace WHERE octet_length(nspname) = 63 AND nspname ~ '[^[:ascii:]]'",
    ),
    "names like keywords": (_RELATION.format('"select"."table"', "relkind = 'r'"),),
    "keys of several columns": (_CONSTRAINT.format("odd_keys", "cardinality(conkey) = 2"),),
    "text keys under odd collations": (
        _INDEX.format("odd_keys_pkey", "'\"POSIX\"'::regcollation = ANY (indcollation::oid[])"),
    ),
    "no key, REPLICA IDENTITY FULL": (_RELATION.format("app.keyless", "relreplident = 'f'"),),
    "no key, a unique index": (_RELATION.format("app.by_index", "relreplident = 'i'"),),
    "deferrable foreign keys": (
        _CONSTRAINT.format("egg", "contype = 'f' AND condeferrable AND condeferred"),
    ),
    "circular foreign keys": (
        _CONSTRAINT.format("hen", "contype = 'f' AND confrelid = 'app.egg'::regclass"),
        _CONSTRAINT.format("egg", "contype = 'f' AND confrelid = 'app.hen'::regclass"),
        _CONSTRAINT.format("hen", "contype = 'f' AND confrelid = 'app.hen'::regclass"),
    ),
    "exclusion constraints": (_CONSTRAINT.format("rooms", "contype = 'x'"),),
    "partial indexes": (_INDEX.format("orders_open", "indpred IS NOT NULL"),),
    "expression indexes": (_INDEX.format("orders_loud", "indexprs IS NOT NULL"),),
    "covering indexes": (_INDEX.format("orders_open", "indnatts > indnkeyatts"),),
    "row-level security": (
        _RELATION.format("app.orders", "relrowsecurity"),
        "SELECT FROM pg_policy WHERE polname = 'own rows'",
    ),
    "rules": ("SELECT FROM pg_rewrite WHERE rulename = 'no delete'",),
    "triggers of all firing modes": (
        _TRIGGER.format("a_before", "O"),
        _TRIGGER.format("always on", "A"),
        _TRIGGER.format("on_replica", "R"),
        _TRIGGER.format("switched_off", "D"),
    ),
    "views on views": ("SELECT FROM pg_views WHERE definition ~ 'first_view'",),
    "materialized views": (_RELATION.format("app.z_matview", "relkind = 'm' AND relispopulated"),),
    "sequences owned": ("SELECT WHERE pg_get_serial_sequence('app.orders', 'number') <> ''",),
    "sequences free": ("SELECT FROM pg_sequences WHERE sequencename = 'free' AND last_value > 0",),
    "sequences cycling": ("SELECT FROM pg_sequences WHERE sequencename = 'cycling' AND cycle",),
    "several schemas with the same table names": (
        "SELECT FROM pg_class WHERE relname = 'orders' AND relkind = 'r' HAVING count(*) >= 3",
    ),
    "comments": (
        "SELECT FROM pg_description WHERE classoid = 'pg_class'::regclass AND objsubid > 0",
        "SELECT FROM pg_description WHERE classoid = 'pg_constraint'::regclass",
        "SELECT FROM pg_description WHERE classoid = 'pg_policy'::regclass",
    ),
    "default privileges": ("SELECT FROM pg_default_acl WHERE defaclnamespace <> 0",),
    "empty tables": ("SELECT WHERE NOT EXISTS (SELECT FROM app.empty)",),
    "unlogged tables": (_RELATION.format("app.scratch", "relpersistence = 'u'"),),
    "large objects": ("SELECT FROM pg_largeobject_metadata HAVING count(*) >= 3",),
    "many tables": (
        "SELECT FROM pg_class WHERE relnamespace = 'many'::regnamespace AND relkind = 'r' "
        "HAVING count(*) >= %(tables)s",
    ),
}


def missing(connection: psycopg.Connection[Any], *, big: int, tables: int) -> list[str]:
    """The items that a database lacks; `big` in bytes and `tables` are what it was filled with."""
    parameters = {"big": big, "tables": tables}
    return [
        item
        for item, questions in ITEMS.items()
        for question in questions
        if connection.execute(question.encode(), parameters).fetchone() is None
    ]
