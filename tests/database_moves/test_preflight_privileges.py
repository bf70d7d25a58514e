"""Preflight, against real servers: what a role that is no superuser needs, and who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from made import MOVER, MOVER_PASSWORD, OWNER
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database_moves.database import Database
from database_moves.options import MoveOptions
from database_moves.preflight import Report, preflight
from tests.database_moves.preflight_levels import crashed, level_of, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from made import Made

BARE = 'bare "mover"; --'
STRANGER = "str'anger \u00fc"
QUOTED_BARE = '"bare ""mover""; --"'
QUOTED_STRANGER = '"str\'anger \u00fc"'


@pytest.fixture
def bare(pair: tuple[Made, Made]) -> Iterator[tuple[Made, Made]]:
    """Both servers have a role with no rights and one that owns things."""
    roles = [sql.Identifier(role) for role in (BARE, STRANGER)]
    for made in pair:
        with made.superuser() as connection:
            for role in roles:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, MOVER_PASSWORD)
                )
    yield pair
    for made in pair:
        with made.superuser() as connection:
            for role in roles:
                connection.execute(sql.SQL("REASSIGN OWNED BY {} TO postgres").format(role))
                connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
                connection.execute(sql.SQL("DROP ROLE {}").format(role))


def look_bare(source: Made, target: Made, *checks: str) -> Report:
    return preflight(
        Database(source.dsn(BARE, MOVER_PASSWORD), "source"),
        Database(target.dsn(BARE, MOVER_PASSWORD), "target"),
        MoveOptions(),
        only=checks,
        sample_seconds=0.1,
    )


def give(made: Made, *statements: str) -> None:
    """Run statements in which {stranger}, {bare} and {database} are names."""
    with made.superuser() as connection:
        for statement in statements:
            connection.execute(
                sql.SQL(statement).format(
                    stranger=sql.Identifier(STRANGER),
                    bare=sql.Identifier(BARE),
                    mover=sql.Identifier(MOVER),
                    owner=sql.Identifier(OWNER),
                    database=sql.Identifier(made.name),
                )
            )


@shows(
    {
        "privileges.replication": "refused",
        "privileges.owners": "refused",
        "privileges.target-owners": "refused",
        "privileges.create": "refused",
        "privileges.subscription": "refused",
        "privileges.connect": "refused",
        "privileges.read": "refused",
        "sessions.visible": "warning",
        "sessions.ending": "refused",
        "connection.dial-source": "warning",
        "size.disk": "warning",
    }
)
def test_a_role_without_rights_gets_every_statement_it_needs_in_one_run(
    bare: tuple[Made, Made],
) -> Report:
    source, target = bare
    give(
        source,
        'CREATE SCHEMA "Hid;den" AUTHORIZATION {stranger}',
        'CREATE TABLE "Hid;den"."a""b" (id int PRIMARY KEY)',
        'ALTER TABLE "Hid;den"."a""b" OWNER TO {stranger}',
    )
    with source.owner():
        report = preflight(
            Database(source.dsn(BARE, MOVER_PASSWORD), "source"),
            Database(target.dsn(BARE, MOVER_PASSWORD), "target"),
            MoveOptions(),
            sample_seconds=0.1,
        )
    name = '"' + source.name.replace('"', '""') + '"'
    for statement in (
        f"GRANT {QUOTED_STRANGER} TO {QUOTED_BARE} WITH INHERIT TRUE, SET TRUE;",
        f"GRANT CREATE ON DATABASE {name} TO {QUOTED_BARE};",
        f"GRANT pg_create_subscription TO {QUOTED_BARE};",
        f"GRANT pg_signal_backend TO {QUOTED_BARE};",
        f"GRANT pg_monitor TO {QUOTED_BARE};",
        f"GRANT rds_replication TO {QUOTED_BARE}",
        f'GRANT "{OWNER}" TO {QUOTED_BARE} WITH INHERIT TRUE, SET TRUE;',
        f'GRANT USAGE ON SCHEMA "Hid;den" TO {QUOTED_BARE};',
        f'GRANT SELECT ON "Hid;den"."a""b" TO {QUOTED_BARE};',
    ):
        assert statement in said(report)
    assert MOVER_PASSWORD not in said(report)
    assert crashed(report) == []
    return report


@shows({"privileges.owners": "refused"})
def test_a_membership_that_is_not_inherited_is_none(bare: tuple[Made, Made]) -> Report:
    source, target = bare
    give(
        source,
        "CREATE TABLE public.theirs (id int PRIMARY KEY)",
        "ALTER TABLE public.theirs OWNER TO {stranger}",
        "GRANT {stranger} TO {bare} WITH INHERIT FALSE",
    )
    return look_bare(source, target, "privileges.owners")


@shows({"privileges.owners": "fine", "privileges.read": "fine"})
def test_what_the_remedies_grant_is_enough(bare: tuple[Made, Made]) -> Report:
    source, target = bare
    give(
        source,
        "CREATE TABLE public.theirs (id int PRIMARY KEY)",
        "ALTER TABLE public.theirs OWNER TO {stranger}",
    )
    checks = ("privileges.owners", "privileges.read")
    remedies = [str(v.remedy) for v in look_bare(source, target, *checks).verdicts]
    with source.superuser() as connection:
        for remedy in remedies:
            statement = remedy.split(" or, one by one")[0]
            connection.execute(statement)
    return look_bare(source, target, *checks)


@shows({"privileges.owners": "fine", "privileges.target-owners": "fine"})
def test_what_superusers_own_is_to_be_given_to_the_databases_owner(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    give(target, "ALTER SCHEMA public OWNER TO {owner}")
    give(
        source,
        'CREATE SCHEMA "of; root"',
        'CREATE TABLE "of; root"."it\'s" (id serial PRIMARY KEY)',
        'CREATE VIEW "of; root".v AS SELECT 1 AS x',
        "CREATE TYPE public.both AS (x int)",
        "CREATE DOMAIN public.small AS int",
        "CREATE FUNCTION public.f(text, int[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT lo_from_bytea(0, 'x')",
    )
    checks = ("privileges.owners", "privileges.target-owners")
    first = look(source, target, *checks)
    assert level_of(first, "privileges.owners") == "refused"
    assert "GRANT" not in said(first)
    remedy = str(first.verdicts[0].remedy).partition("\n")[2]
    with source.superuser() as connection:
        for statement in remedy.splitlines():
            connection.execute(statement)
    return look(source, target, *checks)


@shows({"privileges.target-owners": "refused"})
def test_an_owner_who_may_create_nothing_in_schema_public_is_told(
    bare: tuple[Made, Made],
) -> Report:
    source, target = bare
    give(
        source,
        "CREATE TABLE public.theirs (id int PRIMARY KEY)",
        "ALTER TABLE public.theirs OWNER TO {stranger}",
    )
    give(target, "GRANT {stranger} TO {mover}")
    report = look(source, target, "privileges.target-owners")
    assert f"GRANT CREATE ON SCHEMA public TO {QUOTED_STRANGER};" in said(report)
    return report


@shows({"privileges.row-security": "refused"})
def test_row_security_that_binds_the_mover_is_refused(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE TABLE free (id int PRIMARY KEY)")
        connection.execute("ALTER TABLE free ENABLE ROW LEVEL SECURITY")
        connection.execute('CREATE TABLE "fo;rced" (id int PRIMARY KEY)')
        connection.execute('ALTER TABLE "fo;rced" ENABLE ROW LEVEL SECURITY')
        connection.execute('ALTER TABLE "fo;rced" FORCE ROW LEVEL SECURITY')
    report = look(source, target, "privileges.row-security")
    assert report.verdicts[0].objects == ('public."fo;rced"',)
    assert 'ALTER TABLE "public"."fo;rced" NO FORCE ROW LEVEL SECURITY;' in said(report)
    return report


@shows({"sessions.superusers": "warning", "sessions.own-role": "refused"})
def test_sessions_that_the_fence_cannot_keep_out_are_named(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    own = make_conninfo(source.mover_dsn, application_name="bill; ing")
    with source.superuser(), psycopg.connect(own):
        report = look(source, target, "sessions.superusers", "sessions.own-role")
    assert "(bill; ing)" in said(report)
    return report


@shows({"sessions.own-role": "fine"})
def test_sessions_of_a_move_are_no_strangers(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.as_database("source").session("copy"):
        return look(source, target, "sessions.own-role")


@shows({"limits.database": "refused"})
def test_a_limit_of_connections_that_leaves_no_room_is_refused(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    give(source, "ALTER DATABASE {database} CONNECTION LIMIT 4")
    return look(source, target, "limits.database")


@shows({"roles.missing": "refused"})
def test_roles_that_the_target_lacks_are_named_with_statements(
    bare: tuple[Made, Made],
) -> Report:
    source, target = bare
    give(
        source,
        "CREATE TABLE public.t (id int PRIMARY KEY, x int)",
        'CREATE ROLE "only; here"',
        'CREATE ROLE "column\'s"',
        'GRANT SELECT ON public.t TO "only; here"',
        'GRANT UPDATE (x) ON public.t TO "column\'s"',
    )
    try:
        report = look(source, target, "roles.missing")
        created = look(source, target, "roles.missing", create_roles=True)
        without = look(source, target, "roles.missing", grants=False)
    finally:
        give(
            source,
            'DROP OWNED BY "only; here", "column\'s"',
            'DROP ROLE "only; here", "column\'s"',
        )
    assert report.verdicts[0].objects == ("column's", "only; here")
    assert 'CREATE ROLE "only; here" LOGIN;' in said(report)
    assert level_of(created, "roles.missing") == level_of(without, "roles.missing") == "fine"
    return report


@shows({"roles.connect": "warning"})
def test_roles_that_could_not_log_in_after_the_cutover_are_named(
    bare: tuple[Made, Made],
) -> Report:
    source, target = bare
    give(
        source,
        "CREATE TABLE public.theirs (id int PRIMARY KEY)",
        "ALTER TABLE public.theirs OWNER TO {stranger}",
    )
    give(target, "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
         "GRANT CONNECT ON DATABASE {database} TO {mover}")  # fmt: skip
    report = look(source, target, "roles.connect")
    assert report.verdicts[0].objects == (STRANGER,)
    return report


@shows({"connection.password-in-log": "warning"})
def test_statistics_that_would_keep_the_password_are_told(bare: tuple[Made, Made]) -> Report:
    source, target = bare
    give(target, "ALTER DATABASE {database} SET pg_stat_statements.track = 'all'")
    return look(source, target, "connection.password-in-log")


@shows({"extensions.available": "refused", "extensions.rows": "warning"})
def test_an_extension_that_the_targets_server_lacks_is_refused(
    make_database: Callable[[int], Made],
) -> Report:
    source, target = make_database(16), make_database(18)
    give(
        source,
        "CREATE TABLE public.kept AS SELECT 1 AS x",
        "ALTER EXTENSION plpgsql ADD TABLE public.kept",
        "INSERT INTO pg_extension SELECT 99999, 'post;gis', extowner, extnamespace, "
        "extrelocatable, '3.0', NULL, NULL FROM pg_extension WHERE extname = 'plpgsql'",
    )
    report = look(source, target, "extensions.available", "extensions.rows")
    assert report.verdicts[0].objects == ("post;gis",)
    give(source, "ALTER EXTENSION plpgsql DROP TABLE public.kept")
    return report


@shows({"extensions.installable": "refused", "extensions.versions": "warning"})
def test_an_extension_that_needs_a_superuser_or_has_another_version_is_told(
    pair: tuple[Made, Made],
) -> Report:
    source, target = pair
    give(
        source,
        "CREATE SCHEMA ai",
        "CREATE EXTENSION vector SCHEMA ai",
        "UPDATE pg_extension SET extversion = '0.7.0' WHERE extname = 'vector'",
    )
    report = look(source, target, "extensions.installable", "extensions.versions")
    assert 'CREATE EXTENSION "vector" SCHEMA "ai";' in said(report)
    assert "vector 0.7.0 on the source" in said(report)
    return report
