"""The mover under test is killed where it says it is, and every place it writes to is searched."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest
from kit.mover import Mover, SecretShown, forms
from psycopg.conninfo import make_conninfo

PASSWORD = "p'a\"ss w@rd:/%20$(x);\\ \u00fc=&?#"
DSN = make_conninfo(host="127.0.0.1", dbname="x", user="y", password=PASSWORD)


def mover(tmp_path: Path, text: str) -> Mover:
    return Mover(DSN, DSN, tmp_path / "state", program=(sys.executable, "-c", text))


def test_a_mover_gets_its_databases_by_the_environment_and_its_state_by_option(
    tmp_path: Path,
) -> None:
    text = (
        "import os, sys; print(os.environ['PATCHWORKS_SOURCE'] == os.environ['PATCHWORKS_TARGET'],"
        " sys.argv[1:]); sys.exit(3)"
    )
    ended = mover(tmp_path, text).run("database", "status", "a")
    assert ended.code == 3
    assert (
        ended.stdout == f"True {['database', 'status', 'a', '--state', str(tmp_path / 'state')]}\n"
    )


def test_a_mover_is_killed_at_the_place_a_test_names(tmp_path: Path) -> None:
    text = (
        "from database_moves.crash_points import reached\n"
        "for n in range(3): print(n, flush=True); reached('copy.part-done')"
    )
    ended = mover(tmp_path, text).run(kill_at="copy.part-done:2")
    assert ended.killed
    assert ended.stdout == "0\n1\n"
    assert mover(tmp_path, text).run().code == 0


def test_a_killed_mover_leaves_what_it_started_alive(tmp_path: Path) -> None:
    text = (
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    with mover(tmp_path, text).start() as running:
        while "\n" not in running.said:
            assert running.running
            time.sleep(0.01)
        child = int(running.said)
        running.kill()
        ended = running.wait()
        assert ended.code == -signal.SIGKILL
        assert _alive(child)
    deadline = time.monotonic() + 30
    while _alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("form", sorted(forms(PASSWORD)))
def test_a_password_is_known_in_every_form(tmp_path: Path, form: bytes) -> None:
    with pytest.raises(SecretShown):
        mover(tmp_path, "").look_for_secrets("a place", b"before" + form + b"after")


@pytest.mark.parametrize("place", ["stdout", "stderr", "state"])
def test_a_password_is_found_wherever_the_mover_writes(tmp_path: Path, place: str) -> None:
    write = {
        "stdout": "sys.stdout.buffer.write(content)",
        "stderr": "sys.stderr.buffer.write(content)",
        "state": "(pathlib.Path(sys.argv[-1]) / 'moves.sqlite').write_bytes(content)",
    }[place]
    content = list(PASSWORD.encode())
    text = f"import pathlib, sys; content = b'before' + bytes({content}) + b'after'; {write}"
    with pytest.raises(SecretShown) as caught:
        mover(tmp_path, text).run()
    assert PASSWORD not in str(caught.value)


def test_a_password_is_found_in_the_arguments_of_a_program_the_mover_starts(
    tmp_path: Path,
) -> None:
    text = (
        "import os, subprocess, sys\n"
        "dsn = os.environ['PATCHWORKS_SOURCE']\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)', dsn])"
    )
    with mover(tmp_path, text).start() as running:
        deadline = time.monotonic() + 60
        while not running.shown:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.kill()
        with pytest.raises(SecretShown, match="command line"):
            running.wait()


def test_a_mover_that_shows_nothing_passes(tmp_path: Path) -> None:
    text = "import os, json; print(json.dumps({'moved': True}))"
    assert json.loads(mover(tmp_path, text).run().stdout) == {"moved": True}


def test_a_mover_that_hangs_is_ended_and_what_it_said_is_told(tmp_path: Path) -> None:
    text = "import time; print('copying', flush=True); time.sleep(600)"
    with mover(tmp_path, text).start() as running:
        while "copying" not in running.said:
            assert running.running
            time.sleep(0.01)
        with pytest.raises(TimeoutError, match="copying"):
            running.wait(0.1)


def _alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
