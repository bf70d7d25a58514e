"""Checks for what the target's version or build, or the mover's role, cannot make."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString, NamedTuple

import psycopg

from database_moves import names
from database_moves.preflight.registry import check
from database_moves.preflight.verdicts import Finding, counted, named, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Server, Situation


class Feature(NamedTuple):
    """Something that came with a version, and how to find it."""

    since: int
    name: str
    query: LiteralString
    remedy: str


_FEATURES = (
    Feature(
        18,
        "virtual generated columns",
        "SELECT format('%s.%I', attrelid::regclass, attname) FROM pg_attribute "
        "WHERE attgenerated = 'v' AND NOT attisdropped AND attrelid >= 16384 ORDER BY 1",
        "make them STORED",
    ),
    Feature(
        18,
        "NOT ENFORCED constraints",
        "SELECT format('%I on %s', conname, conrelid::regclass) FROM pg_constraint "
        "WHERE NOT conenforced ORDER BY 1",
        "drop them, or ALTER CONSTRAINT ... ENFORCED",
    ),
    Feature(
        18,
        "temporal keys (WITHOUT OVERLAPS, PERIOD)",
        "SELECT format('%I on %s', conname, conrelid::regclass) FROM pg_constraint "
        "WHERE conperiod ORDER BY 1",
        "replace them by exclusion constraints",
    ),
    Feature(
        18,
        "NOT NULL constraints that are NOT VALID",
        "SELECT format('%I on %s', conname, conrelid::regclass) FROM pg_constraint "
        "WHERE contype = 'n' AND NOT convalidated ORDER BY 1",
        "ALTER TABLE ... VALIDATE CONSTRAINT",
    ),
    Feature(
        17,
        "identity columns of partitioned tables",
        "SELECT format('%s.%I', a.attrelid::regclass, a.attname) FROM pg_attribute AS a "
        "JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relispartition AND a.attidentity <> '' "
        "AND NOT a.attisdropped ORDER BY 1",
        "ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY",
    ),
    Feature(
        17,
        "exclusion constraints of partitioned tables",
        "SELECT format('%I on %s', conname, conrelid::regclass) FROM pg_constraint AS k "
        "JOIN pg_class AS c ON c.oid = k.conrelid WHERE contype = 'x' AND relkind = 'p' ORDER BY 1",
        "move them to the partitions",
    ),
    Feature(
        17,
        "the privilege MAINTAIN",
        "SELECT DISTINCT c.oid::regclass::text FROM pg_class AS c "
        "CROSS JOIN LATERAL aclexplode(c.relacl) AS a WHERE a.privilege_type = 'MAINTAIN' "
        "AND a.grantee <> c.relowner AND c.oid >= 16384 ORDER BY 1",
        "REVOKE MAINTAIN, or do not move grants",
    ),
    Feature(
        17,
        "event triggers on login",
        "SELECT evtname FROM pg_event_trigger WHERE evtevent = 'login' ORDER BY 1",
        "drop them",
    ),
)

# What only a superuser may create, whatever the version.
_PRIVILEGED = """
WITH extension AS (
  SELECT classid, objid FROM pg_depend
   WHERE deptype = 'e' OR (deptype = 'i' AND classid = 'pg_proc'::regclass)
), place AS (
  SELECT oid FROM pg_namespace
   WHERE nspname NOT IN ('information_schema', %(own)s) AND nspname !~ '^pg_'
), found (class, oid) AS (
  SELECT 'pg_proc'::regclass, p.oid FROM pg_proc AS p JOIN place ON place.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
   WHERE NOT l.lanpltrusted AND p.prokind <> 'a'
  UNION ALL
  SELECT 'pg_language'::regclass, l.oid FROM pg_language AS l
   WHERE NOT l.lanpltrusted AND l.lanispl
  UNION ALL
  SELECT 'pg_type'::regclass, t.oid FROM pg_type AS t JOIN place ON place.oid = t.typnamespace
   WHERE t.typtype = 'b' AND t.typelem = 0
  UNION ALL
  SELECT 'pg_opclass'::regclass, o.oid FROM pg_opclass AS o
    JOIN place ON place.oid = o.opcnamespace
  UNION ALL
  SELECT 'pg_opfamily'::regclass, f.oid FROM pg_opfamily AS f
    JOIN place ON place.oid = f.opfnamespace
  UNION ALL
  SELECT 'pg_am'::regclass, a.oid FROM pg_am AS a WHERE a.oid >= 16384
  UNION ALL
  SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper AS w
)
SELECT pg_describe_object(class, oid, 0) FROM found
 WHERE (class, oid) NOT IN (SELECT classid, objid FROM extension) ORDER BY 1
"""

_OF_XML = """
SELECT format('%s.%I', a.attrelid::regclass, a.attname)
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
 WHERE a.atttypid IN ('xml'::regtype, 'xml[]'::regtype) AND NOT a.attisdropped AND a.attnum > 0
   AND c.relkind IN ('r', 'p', 'm') AND a.attrelid >= 16384
 ORDER BY 1
"""

_BY_LZ4 = """
SELECT format('%s.%I', attrelid::regclass, attname) FROM pg_attribute
 WHERE attcompression = 'l' AND NOT attisdropped AND attrelid >= 16384 ORDER BY 1
"""


@check("features.version", fine="the target's version knows all that the source uses")
def version(situation: Situation) -> Iterator[Finding]:
    """An older server cannot create what only a newer one knows.

    What views and functions call is not looked into; the schema step would find it.
    """
    source, target = situation.both
    for feature in _FEATURES:
        if target.major < feature.since <= source.major:
            found = source.names(feature.query)
            if found:
                yield refused(
                    f"{feature.name}, which PostgreSQL {target.major} does not know: "
                    f"{named(found)}",
                    feature.remedy,
                    found,
                )


@check("features.build", fine="the target's server is built with all that the source uses")
def build(situation: Situation) -> Iterator[Finding]:
    """A server may be built without libxml or LZ4; then it takes no value that needs them."""
    source, target = situation.both
    of_xml = source.names(_OF_XML)
    if of_xml and not _knows_xml(target):
        yield refused(
            f"the target's server is built without libxml, and these hold XML: {named(of_xml)}",
            "choose a server that is built with it, or ALTER COLUMN ... TYPE text",
            of_xml,
        )
    by_lz4 = source.names(_BY_LZ4)
    methods = target.value(
        "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    if by_lz4 and "lz4" not in methods:
        yield refused(
            f"the target's server is built without LZ4, by which these are compressed: "
            f"{named(by_lz4)}",
            "ALTER COLUMN ... SET COMPRESSION pglz",
            by_lz4,
        )


@check("features.superuser", fine="nothing needs a superuser on the target")
def superuser(situation: Situation) -> Iterator[Finding]:
    """Functions in C, base types and operator classes can be made by a superuser alone."""
    if situation.target.facts.superuser:
        return
    found = situation.source.names(_PRIVILEGED, {"own": names.SCHEMA})
    if found:
        yield refused(
            f"{counted(len(found), 'object')} that only a superuser can create on the target: "
            f"{named(found)}",
            "connect to the target as a superuser, install them as an extension, or drop them on "
            "the source",
            found,
        )


def _knows_xml(server: Server) -> bool:
    try:
        server.value("SELECT xmlparse(CONTENT '')::text")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True
