"""`patchworks database status` on real servers, while a mover runs, after one failed, and after."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.mover import Mover
    from made import Made

WAIT_SECONDS = 120.0


def fill(source: Made, rows: int = 1000) -> None:
    with source.owner() as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, body text)")
        connection.execute(
            "INSERT INTO items SELECT g, repeat(md5(g::text), 20) FROM generate_series(1, %s) g",
            (rows,),
        )


def status(mover: Mover) -> dict[str, Any]:
    found = status_if_known(mover)
    assert found
    return found


def status_if_known(mover: Mover) -> dict[str, Any]:
    ended = mover.run("database", "status", "orders", "--json")
    found: dict[str, Any] = json.loads(ended.stdout) if ended.code == 0 else {}
    return found


def until(look: Callable[[], dict[str, Any]], wanted: Callable[[dict[str, Any]], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = look()
        if wanted(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_move_is_told_from_its_copy_to_its_end(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover]
) -> None:
    source, target = pair
    # Some thirty seconds at this rate: to look takes seconds where the machine is busy.
    fill(source, rows=45_000)
    mover = make_mover(source, target)
    unknown = mover.run("database", "status", "orders")
    assert (unknown.code, unknown.stdout) == (2, "")
    assert "there is no move orders" in unknown.stderr

    slowly = ("database", "move", "orders", "--cutover", "manual", "--rate-limit", "1000000")
    with mover.start(*slowly) as running:
        found = until(lambda: status_if_known(mover), _copying)
        assert (found["phase"], found["serving"], found["serving_from"]) == (
            "copy",
            "source",
            "gates",
        )
        assert found["mover"]["running"] is True
        assert found["step"]["unit"] == "bytes"
        assert found["step"]["total"] > found["step"]["done"] > 0
        assert "--watch" in found["next"][0]["command"]
        running.signal(signal.SIGINT)
        assert running.wait(60).code == 130
    stopped = until(lambda: status(mover), lambda found: found["mover"]["running"] is False)
    assert stopped["error"] is None
    assert stopped["next"][0]["command"] == "patchworks database move orders"

    with source.owner() as connection:
        connection.execute("CREATE TABLE late (id int PRIMARY KEY)")
    quickly = ("database", "move", "orders", "--rate-limit", "1000000000")
    assert mover.run(*quickly).code != 0
    failed = status(mover)
    assert failed["error"].startswith("copy: ")
    assert "late" in failed["error"]
    with source.owner() as connection:
        connection.execute("DROP TABLE late")

    ready = mover.run(*quickly)
    assert ready.code == 0, ready.stderr
    found = status(mover)
    assert (found["phase"], found["error"], found["step"]) == ("ready", None, None)
    assert (found["source"]["gate"], found["target"]["gate"]) == ("open", "closed")
    assert found["following"]["measured"] == "live"
    assert found["following"]["follower"] == "target"
    assert found["following"]["faults"] == []
    slots = [made for made in found["source"]["made"] if made["kind"] == "slot"]
    assert [made["active"] for made in slots] == [True]
    assert slots[0]["retained_bytes"] >= 0
    assert {made["kind"] for made in found["target"]["made"]} == {"subscription"}

    assert mover.run("database", "cutover", "orders").code == 0
    found = status(mover)
    assert (found["phase"], found["serving"], found["serving_from"]) == ("soak", "target", "gates")
    assert found["following"]["follower"] == "source"
    assert found["swap"]["outcome"] == "done"

    with mover.start("database", "status", "orders", "--watch") as watching:
        until(lambda: {"said": watching.said}, lambda seen: "target serves" in seen["said"])
        assert mover.run("database", "finish", "orders").code == 0
        watched = watching.wait(60)
    assert watched.code == 0, watched.stderr
    assert watched.stdout.splitlines()[-1].split("  ")[1].startswith("finished; target serves")
    found = status(mover)
    assert found["phase"] == "finished"
    assert found["serving"] == "target"
    assert found["next"] == []
    assert found["source"]["made"] == found["target"]["made"] == []


def test_a_server_that_is_down_or_another_is_told_and_ctrl_c_ends_watching(
    pair: tuple[Made, Made], make_mover: Callable[..., Mover]
) -> None:
    source, target = pair
    fill(source)
    mover = make_mover(source, target)
    assert mover.run("database", "move", "orders", "--cutover", "manual").code == 0

    down = make_conninfo(target.mover_dsn, port="1")
    without = make_mover(source, target, environment={"PATCHWORKS_TARGET": down})
    found = status(without)
    assert found["target"]["answers"] is False
    assert "port 1 failed: Connection refused" in found["target"]["error"]
    assert (found["serving"], found["serving_from"]) == ("source", "gates")

    wrong = make_mover(source, target, environment={"PATCHWORKS_TARGET": source.mover_dsn})
    assert "is not the target of this move" in status(wrong)["target"]["error"]

    stored = make_mover(
        source, target, environment={"PATCHWORKS_SOURCE": "", "PATCHWORKS_TARGET": ""}
    )
    found = status(stored)
    assert (found["source"]["answers"], found["target"]["answers"]) == (None, None)
    assert (found["serving"], found["serving_from"]) == ("source", "store")
    assert found["mover"]["running"] is None

    with without.start("database", "status", "orders", "--watch") as watching:
        until(lambda: {"said": watching.said}, lambda seen: "does not answer" in seen["said"])
        watching.signal(signal.SIGINT)
        ended = watching.wait(60)
    assert (ended.code, ended.stderr) == (0, "")


def _copying(found: dict[str, Any]) -> bool:
    step = found.get("step")
    return bool(step and step["name"] == "copy" and step["total"] and step["done"])
