"""The queries of a fingerprint: each gives a name for people and what defines the object.

`{own}` is the schema of a move's own. Values that change by themselves (statistics, sequences'
values, whether a materialized view has rows) are left out.
"""

from __future__ import annotations

_N = "quote_ident(n.nspname)"
_HERE = "n.nspname NOT IN ('information_schema', '{own}') AND n.nspname NOT LIKE 'pg\\_%'"


def _own(catalog: str, alias: str) -> str:
    """Not an extension's, which the extension's version stands for."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = '{catalog}'::regclass "
        f"AND e.objid = {alias}.oid AND e.deptype = 'e')"
    )


def _acl(column: str) -> str:
    return f"(SELECT string_agg(g::text, ' ' ORDER BY g::text) FROM unnest({column}) AS g)"


_KIND = (
    "CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' "
    "WHEN 'S' THEN 'sequence ' WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' "
    "ELSE 'table ' END"
)
_REL = f"{_KIND} || {_N} || '.' || quote_ident(c.relname)"
_FROM_CLASS = "pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
_CLASS = f"c.relpersistence <> 't' AND {_HERE} AND {_own('pg_class', 'c')}"

_SCHEMAS = f"""
SELECT 'schema ' || {_N}, pg_get_userbyid(n.nspowner), {_acl("n.nspacl")}
  FROM pg_namespace AS n WHERE {_HERE}
"""

_RELATIONS = f"""
SELECT {_REL}, c.relkind::text, c.relpersistence::text, pg_get_userbyid(c.relowner),
       c.reloptions::text, c.relreplident::text, c.relispartition,
       pg_get_expr(c.relpartbound, c.oid),
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END, c.relrowsecurity,
       {_acl("c.relacl")}, c.reloftype::text, c.relam::text,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
       q.seqtypid::text, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle
  FROM {_FROM_CLASS} LEFT JOIN pg_sequence AS q ON q.seqrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND {_CLASS}
"""

_COLUMNS = f"""
SELECT {_REL} || ' column ' || quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
       a.attcollation::text, a.attoptions::text, coalesce(a.attstattarget, -1),
       a.attstorage::text, a.attcompression::text, {_acl("a.attacl")}, a.attfdwoptions::text
  FROM pg_attribute AS a JOIN ({_FROM_CLASS}) ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
   AND {_CLASS}
"""

_INHERITANCE = f"""
SELECT {_REL} || ' inherits ' || i.inhparent::regclass::text, i.inhseqno, i.inhdetachpending
  FROM pg_inherits AS i JOIN ({_FROM_CLASS}) ON c.oid = i.inhrelid
 WHERE c.relkind IN ('r', 'p', 'f') AND {_CLASS}
"""

_CONSTRAINTS = f"""
SELECT 'constraint ' || quote_ident(k.conname) || ' on ' || {_REL},
       pg_get_constraintdef(k.oid), k.convalidated
  FROM pg_constraint AS k JOIN ({_FROM_CLASS}) ON c.oid = k.conrelid
 WHERE k.conrelid <> 0 AND k.contype <> 't' AND {_CLASS}
 UNION ALL
SELECT 'constraint ' || quote_ident(k.conname) || ' on domain ' || k.contypid::regtype::text,
       pg_get_constraintdef(k.oid), k.convalidated
  FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
 WHERE k.contypid <> 0 AND {_HERE}
"""

_INDEXES = f"""
SELECT 'index ' || {_N} || '.' || quote_ident(x.relname) || ' on ' || {_REL},
       pg_get_indexdef(x.oid), i.indisvalid, i.indisreplident, i.indisclustered
  FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
  JOIN ({_FROM_CLASS}) ON c.oid = i.indrelid
 WHERE {_CLASS}
"""

_ROUTINES = f"""
SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
       || p.oid::regprocedure::text,
       pg_get_userbyid(p.proowner), {_acl("p.proacl")},
       CASE p.prokind WHEN 'a' THEN g::text ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_aggregate AS g ON g.aggfnoid = p.oid
 WHERE {_HERE} AND {_own("pg_proc", "p")}
"""

# A move turns off on the follower those that fire always or for replicated rows, and on again.
_TRIGGERS = f"""
SELECT 'trigger ' || quote_ident(t.tgname) || ' on ' || {_REL},
       pg_get_triggerdef(t.oid), t.tgenabled = 'O'
  FROM pg_trigger AS t JOIN ({_FROM_CLASS}) ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND {_CLASS}
"""

_POLICIES = f"""
SELECT 'policy ' || quote_ident(o.polname) || ' on ' || {_REL}, o.polcmd::text, o.polpermissive,
       array(SELECT pg_get_userbyid(r) FROM unnest(o.polroles) AS r ORDER BY 1)::text,
       pg_get_expr(o.polqual, o.polrelid), pg_get_expr(o.polwithcheck, o.polrelid)
  FROM pg_policy AS o JOIN ({_FROM_CLASS}) ON c.oid = o.polrelid WHERE {_CLASS}
"""

_RULES = f"""
SELECT 'rule ' || quote_ident(w.rulename) || ' on ' || {_REL}, pg_get_ruledef(w.oid),
       w.ev_enabled = 'O'
  FROM pg_rewrite AS w JOIN ({_FROM_CLASS}) ON c.oid = w.ev_class
 WHERE w.rulename <> '_RETURN' AND {_CLASS}
"""

_TYPES = f"""
SELECT CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END || t.oid::regtype::text,
       pg_get_userbyid(t.typowner), {_acl("t.typacl")}, t.typtype::text,
       format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, t.typcollation::text,
       array(SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = t.oid
              ORDER BY e.enumsortorder)::text,
       r::text
  FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
  LEFT JOIN pg_range AS r ON r.rngtypid = t.oid
 WHERE t.typtype IN ('b', 'd', 'e', 'r') AND t.typcategory <> 'A' AND {_HERE}
   AND {_own("pg_type", "t")}
"""

_STATISTICS = f"""
SELECT 'statistics ' || {_N} || '.' || quote_ident(s.stxname), pg_get_statisticsobjdef(s.oid),
       pg_get_userbyid(s.stxowner), coalesce(s.stxstattarget, -1)
  FROM pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace WHERE {_HERE}
"""

_EXTENSIONS = f"""
SELECT 'extension ' || quote_ident(x.extname), x.extversion, {_N}
  FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
"""

_DEFAULT_GRANTS = f"""
SELECT 'default privileges of ' || quote_ident(pg_get_userbyid(d.defaclrole))
       || coalesce(' in ' || {_N}, '') || ' for ' || d.defaclobjtype::text, {_acl("d.defaclacl")}
  FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
"""

_COMMENTS = """
SELECT 'comment on ' || pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
  FROM pg_description AS d
 WHERE d.objoid >= 16384 AND d.classoid <> 'pg_largeobject'::regclass
   AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classoid AND e.objid = d.objoid
                   AND e.deptype = 'e')
"""

_SETTINGS = """
SELECT 'settings' || CASE s.setrole WHEN 0 THEN '' ELSE ' of role '
       || quote_ident(pg_get_userbyid(s.setrole)) END || ' in this database', s.setconfig::text
  FROM pg_db_role_setting AS s
 WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

# Seldom there: the row itself, whose OIDs stay the same within a database.
_RARE = tuple(
    f"SELECT '{kind} ' || {name}, x::text FROM {catalog} AS x WHERE x.oid >= 16384 "
    f"AND {_own(catalog, 'x')}"
    for kind, catalog, name in (
        ("operator", "pg_operator", "x.oid::regoperator::text"),
        ("cast", "pg_cast", "format('(%s as %s)', x.castsource::regtype, x.casttarget::regtype)"),
        ("collation", "pg_collation", "x.oid::regcollation::text"),
        ("conversion", "pg_conversion", "x.conname::text"),
        ("operator class", "pg_opclass", "x.opcname::text"),
        ("operator family", "pg_opfamily", "x.opfname::text"),
        ("text search configuration", "pg_ts_config", "x.oid::regconfig::text"),
        ("text search dictionary", "pg_ts_dict", "x.oid::regdictionary::text"),
        ("language", "pg_language", "quote_ident(x.lanname)"),
        ("event trigger", "pg_event_trigger", "quote_ident(x.evtname)"),
        ("foreign data wrapper", "pg_foreign_data_wrapper", "quote_ident(x.fdwname)"),
        ("server", "pg_foreign_server", "quote_ident(x.srvname)"),
    )
)

_MAPPINGS = """
SELECT 'text search mapping of ' || m.mapcfg::regconfig::text,
       string_agg(format('%s %s %s', m.maptokentype, m.mapseqno, m.mapdict), ', '
                  ORDER BY m.maptokentype, m.mapseqno)
  FROM pg_ts_config_map AS m WHERE m.mapcfg >= 16384 GROUP BY m.mapcfg
"""

QUERIES: tuple[str, ...] = (
    _SCHEMAS,
    _RELATIONS,
    _COLUMNS,
    _INHERITANCE,
    _CONSTRAINTS,
    _INDEXES,
    _ROUTINES,
    _TRIGGERS,
    _POLICIES,
    _RULES,
    _TYPES,
    _STATISTICS,
    _EXTENSIONS,
    _DEFAULT_GRANTS,
    _COMMENTS,
    _SETTINGS,
    _MAPPINGS,
    *_RARE,
)

# Every version of a row of a catalog has its writer's transaction and its place. Statistics are
# written in place and change neither.
MARKED = "SELECT " + ", ".join(
    "(SELECT concat_ws(' ', count(*), "
    "sum(hashtextextended(x.xmin::text || x.ctid::text, 0)::numeric)) "
    f"FROM {catalog} AS x)"
    for catalog in (
        "pg_namespace",
        "pg_class",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_index",
        "pg_inherits",
        "pg_proc",
        "pg_aggregate",
        "pg_trigger",
        "pg_policy",
        "pg_rewrite",
        "pg_type",
        "pg_enum",
        "pg_range",
        "pg_sequence",
        "pg_statistic_ext",
        "pg_extension",
        "pg_default_acl",
        "pg_description",
        "pg_operator",
        "pg_cast",
        "pg_collation",
        "pg_conversion",
        "pg_opclass",
        "pg_opfamily",
        "pg_ts_config",
        "pg_ts_config_map",
        "pg_ts_dict",
        "pg_language",
        "pg_event_trigger",
        "pg_foreign_data_wrapper",
        "pg_foreign_server",
    )
)
