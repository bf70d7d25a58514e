"""`patchworks local`, run as people run it, on a small catalog of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.load import find_root, load
from rehearsal.local_cloud import LocalCloud
from rehearsal.servers import process
from scripts.local import declared_clusters

ROOT = Path(__file__).parents[2]


def command(state: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "scripts.main", "local", *arguments, "--state", str(state)]


def run(state: Path, *arguments: str) -> str:
    done = subprocess.run(command(state, *arguments), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / ".patchworks"
    LocalCloud(tmp_path / ".patchworks").reset()


def test_every_declared_cluster_is_a_server_and_dedicated_ones_too() -> None:
    catalog = load(find_root(None))
    declared = declared_clusters(catalog)
    dedicated = [t for t in catalog.tenants.values() if t.placement.dedicated]
    assert len(declared) == sum(len(cell.databases) for cell in catalog.cells.values()) + len(
        dedicated
    )
    assert dedicated
    for tenant in dedicated:
        assert declared[f"{tenant.placement.cell}-tenant-{tenant.name}"]


def test_nothing_is_started_by_a_look_and_nothing_is_left_by_a_stop(state: Path) -> None:
    servers = json.loads(run(state, "status", "--json"))["servers"]
    assert [(s["server"], s["state"], s["pid"]) for s in servers] == [("aws", "stopped", None)]
    assert run(state, "stop") == "0 servers stopped\n"
    assert not state.exists()


def test_a_start_that_is_interrupted_leaves_nothing_that_the_next_cannot_use(state: Path) -> None:
    child = subprocess.Popen(
        command(state, "start"), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stderr is not None
    child.stderr.readline()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert child.returncode == 130, said
    table = run(state, "start")
    assert "stopped" not in table
    declared = declared_clusters(load(find_root(None)))
    assert table.count("running") == len(declared) + 1
    again = json.loads(run(state, "start", "--json"))["servers"]
    assert {s["server"] for s in again} == {"aws", *declared}
    assert all(f"{s['server']}  " in table and str(s["pid"]) in table for s in again)
    victim = next(s for s in again if s["server"] != "aws")
    os.kill(victim["pid"], signal.SIGKILL)
    while process.of(victim["pid"]) is not None:
        time.sleep(0.01)
    after = {s["server"]: s for s in json.loads(run(state, "status", "--json"))["servers"]}
    assert after[victim["server"]]["state"] == "stopped"
    assert run(state, "stop", "--reset") == f"{len(declared)} servers stopped\n"
    assert not state.exists()
