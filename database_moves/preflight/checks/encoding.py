"""Checks that both databases store and order text alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from database_moves.preflight.registry import check
from database_moves.preflight.situation import Server, literal, statement
from database_moves.preflight.verdicts import Finding, fine, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin", "d": "libc"}

# Collations that columns, domains or indexes use, but the default one.
_USED = """
SELECT DISTINCT n.nspname, c.collname
  FROM (SELECT attcollation AS used FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
        UNION SELECT typcollation FROM pg_type WHERE typtype = 'd'
        UNION SELECT unnest(indcollation::oid[]) FROM pg_index
        UNION SELECT rngcollation FROM pg_range) AS u
  JOIN pg_collation AS c ON c.oid = u.used
  JOIN pg_namespace AS n ON n.oid = c.collnamespace
 WHERE n.nspname = 'pg_catalog' AND c.collname NOT IN ('default', 'C', 'POSIX')
 ORDER BY 1, 2
"""

_OUTDATED = """
SELECT format('%I.%I', n.nspname, c.collname)
  FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
 WHERE c.collprovider <> 'd' AND c.collversion <> pg_collation_actual_version(c.oid)
 ORDER BY 1
"""

_SINCE_17 = """
SELECT datlocprovider::text, datcollate, datctype, datlocale, datcollversion,
       pg_database_collation_actual_version(oid)
  FROM pg_database WHERE datname = current_database()
"""

_BEFORE_17 = """
SELECT datlocprovider::text, datcollate, datctype, daticulocale, datcollversion,
       pg_database_collation_actual_version(oid)
  FROM pg_database WHERE datname = current_database()
"""


class Locale(NamedTuple):
    """How a database orders text."""

    provider: str
    collate: str
    ctype: str
    locale: str | None
    recorded: str | None
    actual: str | None


@check("encoding.encoding", fine="both databases have the same encoding")
def encoding(situation: Situation) -> Iterator[Finding]:
    """Text that one encoding holds may have no form in another, and hashes to other values."""
    source, target = (server.settings["server_encoding"] for server in situation.both)
    if source != target:
        yield refused(
            f"the source's encoding is {source}, the target's {target}",
            statement("CREATE DATABASE {} TEMPLATE template0", situation.target.facts.database)[:-1]
            + f" ENCODING {literal(source)};",
        )
    else:
        yield fine(f"both databases are {source}")


@check("encoding.locale", fine="both databases order text by the same rules")
def locale(situation: Situation) -> Iterator[Finding]:
    """Another locale orders text otherwise, and may take two keys for one or one for two."""
    source, target = (_locale(server) for server in situation.both)
    if _same(source) != _same(target):
        yield warning(
            f"text is ordered otherwise on the target: {_described(source)} on the source, "
            f"{_described(target)} on the target; unique keys are checked anew",
            statement("CREATE DATABASE {} TEMPLATE template0", situation.target.facts.database)[:-1]
            + f"{_ordering(source)};",
        )
    elif source.actual != target.actual:
        yield warning(
            f"the library that orders text has version {source.actual} on the source and "
            f"{target.actual} on the target; unique keys are checked anew"
        )


@check("encoding.version", fine="indexes were built by the library that orders text now")
def version(situation: Situation) -> Iterator[Finding]:
    """After an upgrade of the system's library an index on text may miss rows that are there."""
    for server in situation.both:
        found = _locale(server)
        database = server.facts.database
        outdated = server.names(_OUTDATED)
        remedy = [
            statement("REINDEX DATABASE {}", database),
            statement("ALTER DATABASE {} REFRESH COLLATION VERSION", database),
        ]
        remedy += [f"ALTER COLLATION {name} REFRESH VERSION;" for name in outdated]
        if found.recorded != found.actual and found.recorded is not None:
            yield warning(
                f"the {server.side} was made with version {found.recorded} of the library that "
                f"orders text, and runs with {found.actual}: its indexes on text may be wrong",
                "\n".join(remedy),
            )
        elif outdated:
            yield warning(
                f"collations on the {server.side} have changed since indexes were built: "
                f"{named(outdated)}",
                "\n".join([remedy[0], *remedy[2:]]),
                outdated,
            )


@check("encoding.collations", fine="the target knows every collation that is used")
def collations(situation: Situation) -> Iterator[Finding]:
    """A column whose collation the target's system lacks cannot be created there."""
    there = set(
        situation.target.names(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace "
            "AND collencoding IN (-1, pg_char_to_encoding(current_setting('server_encoding')))"
        )
    )
    missing = tuple(name for _, name in situation.source.rows(_USED) if name not in there)
    if missing:
        yield refused(
            f"the target lacks collations that the source uses: {named(missing)}",
            "install the locales on the target's machine, then "
            "SELECT pg_import_system_collations('pg_catalog');",
            missing,
        )


def _locale(server: Server) -> Locale:
    return Locale(*server.rows(_SINCE_17 if server.major >= 17 else _BEFORE_17)[0])


def _same(found: Locale) -> tuple[str | None, ...]:
    def plain(name: str) -> str:
        # glibc takes C.UTF-8 and C.utf8 for one.
        return name.lower().replace("-", "")

    # By another provider the system's own locale orders nothing.
    collate = plain(found.collate) if found.provider == "c" else None
    return (found.provider, collate, plain(found.ctype), found.locale)


def _ordering(found: Locale) -> str:
    """The options of CREATE DATABASE that make another one order text alike."""
    provider = _PROVIDERS[found.provider]
    own = f" {provider.upper()}_LOCALE {literal(found.locale)}" if found.locale else ""
    return (
        f" LOCALE_PROVIDER {provider}{own} LC_COLLATE {literal(found.collate)} "
        f"LC_CTYPE {literal(found.ctype)}"
    )


def _described(found: Locale) -> str:
    name = found.locale or f"{found.collate}/{found.ctype}"
    return f"{_PROVIDERS[found.provider]} {name}"
