"""Checks that the target's server has the extensions and that this role may create them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.situation import statement
from database_moves.preflight.verdicts import Finding, named, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

_INSTALLED = """
SELECT e.extname::text, e.extversion, n.nspname::text
  FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace ORDER BY e.extname
"""

_AVAILABLE = """
SELECT a.name::text, a.default_version, v.superuser, v.trusted
  FROM pg_available_extensions AS a
  LEFT JOIN pg_available_extension_versions AS v
         ON v.name = a.name AND v.version = a.default_version
"""

_WITH_ROWS = """
SELECT format('%I.%I', n.nspname, c.relname), e.extname
  FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_extension AS e ON e.oid = d.refobjid
 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass
   AND d.deptype = 'e' AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0
 ORDER BY 1
"""


@check("extensions.available", fine="the target's server has every extension")
def available(situation: Situation) -> Iterator[Finding]:
    """Types and functions of an extension cannot be created without it."""
    there = {name for name, *_ in situation.target.rows(_AVAILABLE)}
    missing = tuple(n for n, *_ in situation.source.rows(_INSTALLED) if n not in there)
    if missing:
        yield refused(
            f"the target's server lacks extensions: {named(missing)}",
            "install their packages on the target's machine (RDS and Aurora: a version that has "
            "them; some need shared_preload_libraries), or drop them on the source",
            missing,
        )


@check("extensions.versions", fine="extensions have the same versions on both sides")
def versions(situation: Situation) -> Iterator[Finding]:
    """Another version of an extension may store or order its values otherwise."""
    source, target = situation.both
    default = {name: version for name, version, *_ in target.rows(_AVAILABLE)}
    there = {name: version for name, version, _ in target.rows(_INSTALLED)}
    found = tuple(
        f"{name} {version} on the source, {there.get(name, default[name])} on the target"
        for name, version, _ in source.rows(_INSTALLED)
        if name in default and there.get(name, default[name]) != version
    )
    if found:
        yield warning(
            f"extensions differ in version: {named(found)}",
            "read their notes on upgrades; ALTER EXTENSION ... UPDATE on the source, or CREATE "
            "EXTENSION ... VERSION on the target before the move",
            found,
        )


@check("extensions.installable", fine="this role can create the extensions on the target")
def installable(situation: Situation) -> Iterator[Finding]:
    """Extensions that are not trusted need a superuser, and a move is none."""
    source, target = situation.both
    if target.facts.superuser or target.facts.rds_superuser:
        return
    there = {name for name, *_ in target.rows(_INSTALLED)}
    needs_superuser = {
        name for name, _, superuser, trusted in target.rows(_AVAILABLE) if superuser and not trusted
    }
    found = [
        (name, schema)
        for name, _, schema in source.rows(_INSTALLED)
        if name in needs_superuser and name not in there
    ]
    if found:
        yield refused(
            f"only a superuser can create these on the target: {named([n for n, _ in found])}",
            "as a superuser (RDS: rds_superuser), in the target database:\n"
            + "\n".join(_creation(name, schema) for name, schema in found),
            tuple(name for name, _ in found),
        )


@check("extensions.rows", fine="no extension keeps rows of its own", needs=("source",))
def rows(situation: Situation) -> Iterator[Finding]:
    """Tables that belong to an extension come with it, not with the move."""
    found = tuple(f"{table} ({name})" for table, name in situation.source.rows(_WITH_ROWS))
    if found:
        yield warning(
            f"rows in tables of extensions are not moved: {named(found)}",
            "copy by hand what people have put there",
            found,
        )


def _creation(name: str, schema: str) -> str:
    if schema in ("public", "pg_catalog"):
        return statement("CREATE EXTENSION {}", name)
    return (
        statement("CREATE SCHEMA IF NOT EXISTS {}", schema)
        + " "
        + statement("CREATE EXTENSION {} SCHEMA {}", name, schema)
    )
