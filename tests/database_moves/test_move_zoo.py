"""Everything that has broken some tool that moves databases, moved and compared by other means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import zoo
import zoo_items
from database_contents import contents, differences
from move_journey import NAME, lets_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.mover import Ended, Mover
    from made import Made

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
BIG = 50_000_000 if NIGHTLY else 2_000_000
TABLES = 2000 if NIGHTLY else 50

# Version 16 knows no identity in partitions.
FOR_16 = """
ALTER TABLE app.events ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE app.events_id OWNED BY app.events.id;
SELECT setval('app.events_id', 1000000);
ALTER TABLE app.events ALTER COLUMN id SET DEFAULT nextval('app.events_id');
"""

CHANGES = (
    "UPDATE app.types SET d = '-0' WHERE id = 1",
    "INSERT INTO app.keyless SELECT * FROM app.keyless LIMIT 1",
    "SELECT nextval('app.free')",
    "SELECT setval('app.untouched', 43)",
    "COMMENT ON COLUMN app.orders.net IS 'another'",
    "GRANT SELECT ON app.empty TO pg_read_all_data",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT ON TABLES TO pg_monitor",
    "ALTER TABLE app.orders ENABLE TRIGGER switched_off",
    "SELECT lo_put(min(oid), 3, 'changed') FROM pg_largeobject_metadata",
    "DO $$ BEGIN EXECUTE (SELECT format('COMMENT ON LARGE OBJECT %s IS ''x'' ', min(oid)) "
    "FROM pg_largeobject_metadata); END $$",
    "REFRESH MATERIALIZED VIEW app.unfilled",
    "UPDATE app.scratch SET v = 'other' WHERE id = 3",
    "ALTER INDEX app.orders_loud SET (fillfactor = 61)",
    "ALTER SEQUENCE app.cycling NO CYCLE",
)

REFRESH = "; ".join(
    f"REFRESH MATERIALIZED VIEW app.{view}" for view in ("z_matview", "a_matview", "matview_by_key")
)


def done(ended: Ended) -> None:
    assert ended.code == 0, ended.stderr[-3000:]


def change(made: Made, generations: range) -> None:
    with made.owner() as owner:
        for generation in generations:
            zoo.change(owner, generation)
        # A move refreshes them on the side that begins to serve.
        owner.execute(REFRESH)


@pytest.mark.parametrize(("began_on", "goes_to"), [(16, 18), (18, 16)])
def test_the_zoo_moves_whole_and_comes_back(
    make_database: Callable[[int], Made],
    make_mover: Callable[..., Mover],
    began_on: int,
    goes_to: int,
) -> None:
    source, target = make_database(began_on), make_database(goes_to)
    with source.owner() as owner:
        zoo.fill(owner, big=BIG)
        zoo.many_tables(owner, TABLES)
        if goes_to == 16:
            owner.execute(FOR_16)
        assert zoo_items.missing(owner, big=BIG, tables=TABLES) == []
    mover = make_mover(source, target)
    begin = ("--cutover", "manual", "--jobs", "2", "--allow-older-target", "--max-pause", "60")
    done(mover.run("database", "move", NAME, *begin))

    change(source, range(3))
    before = contents(source)
    done(mover.run("database", "cutover", NAME))
    assert (lets_in(source), lets_in(target)) == (False, True)
    assert differences(before, contents(target)) == []

    change(target, range(3, 6))
    before = contents(target)
    done(mover.run("database", "rollback", NAME))
    assert (lets_in(source), lets_in(target)) == (True, False)
    assert differences(before, contents(source)) == []


def test_what_compares_two_databases_misses_no_change(make_database: Callable[[int], Made]) -> None:
    made = make_database(18)
    with made.owner() as owner:
        zoo.fill(owner, rows=10, big=1000)
        before = contents(made)
        assert differences(before, contents(made)) == []
        for statement in CHANGES:
            owner.execute(statement.encode())
            after = contents(made)
            assert differences(before, after), statement
            before = after
