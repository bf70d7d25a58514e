"""Server processes are real ones here: `sleep`, and shells that misbehave."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rehearsal.servers import process

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def start(directory: Path, *command: str) -> process.ServerProcess:
    return process.start(
        command or ("sleep", "600"),
        pidfile=directory / "server.pid",
        log=directory / "server.log",
        environment=ENVIRONMENT,
    )


def test_a_server_is_found_again_and_stopped_once(tmp_path: Path) -> None:
    started = start(tmp_path)
    assert process.find(tmp_path / "server.pid") == started
    assert process.stop(tmp_path / "server.pid")
    assert not started.running
    assert not process.stop(tmp_path / "server.pid")
    assert not (tmp_path / "server.pid").exists()


def test_a_server_outlives_the_command_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rehearsal.servers import process;"
        "d = Path(sys.argv[1]); process.start(['sleep', '600'], pidfile=d / 'server.pid',"
        "log=d / 'server.log', environment={'PATH': sys.argv[2]})"
    )
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), os.environ["PATH"]], check=True, cwd=root
    )
    found = process.find(tmp_path / "server.pid")
    assert found is not None
    assert os.getsid(found.pid) == found.pid
    found.stop()


def test_a_recycled_process_id_is_neither_found_nor_killed(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        mine = start(tmp_path)
        pidfile = tmp_path / "server.pid"
        recycled = pidfile.read_text().replace(f" {mine.pid} ", f" {bystander.pid} ", 1)
        mine.stop()
        pidfile.write_text(recycled)
        assert process.read(pidfile) == process.ServerProcess(
            bystander.pid, mine.start_time, mine.boot
        )
        # `sleep` needs a tick to differ; both start times are read from the kernel.
        if process.of(bystander.pid) != process.read(pidfile):
            assert process.find(pidfile) is None
            assert not process.stop(pidfile)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_of_an_earlier_boot_is_not_found(tmp_path: Path) -> None:
    started = start(tmp_path)
    pidfile = tmp_path / "server.pid"
    pidfile.write_text(pidfile.read_text().replace(started.boot, "another-boot"))
    assert process.find(pidfile) is None
    started.stop()


@pytest.mark.parametrize("content", ["", "12", "nonsense\n", "boot 1 (x) S", "b -1 (x) S 1"])
def test_a_damaged_pidfile_names_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.pid").write_text(content)
    assert process.find(tmp_path / "server.pid") is None


def test_a_killed_server_is_not_running_though_its_starter_lives(tmp_path: Path) -> None:
    started = start(tmp_path)
    os.kill(started.pid, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while started.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.find(tmp_path / "server.pid") is None


def test_a_server_that_ignores_the_signal_is_killed_after_the_timeout(tmp_path: Path) -> None:
    started = start(tmp_path, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    log = tmp_path / "server.log"
    while "ready" not in log.read_text():
        time.sleep(0.01)
    begin = time.monotonic()
    started.stop(timeout=0.3)
    assert not started.running
    assert time.monotonic() - begin >= 0.3


def test_what_cannot_be_started_leaves_its_reason_in_the_log(tmp_path: Path) -> None:
    pidfile = tmp_path / "server.pid"
    # The shell may still be on its way to the program when the start returns.
    with contextlib.suppress(process.ServerFailed):
        start(tmp_path, "no-such-program")
    deadline = time.monotonic() + 120
    while process.find(pidfile) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.find(pidfile) is None
    failure = process.ServerFailed("the server did not start", tmp_path / "server.log")
    assert "did not start" in str(failure)
    assert "no-such-program: not found" in str(failure)


def test_what_has_not_begun_in_time_is_ended_and_leaves_no_pidfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BEGIN_SECONDS", 0.0)
    before = set(process._children)
    with pytest.raises(process.ServerFailed, match="did not start"):
        start(tmp_path)
    assert not (tmp_path / "server.pid").exists()
    (begun,) = set(process._children) - before
    assert process.of(begun) is None


def test_pidfile_and_log_are_the_owners_alone(tmp_path: Path) -> None:
    started = start(tmp_path)
    try:
        assert (tmp_path / "server.pid").stat().st_mode & 0o077 == 0
        assert (tmp_path / "server.log").stat().st_mode & 0o077 == 0
    finally:
        started.stop()


def test_a_server_gets_only_the_environment_it_is_given(tmp_path: Path) -> None:
    os.environ["PATCHWORKS_TEST_LEAK"] = "leaked"
    try:
        started = start(tmp_path)
        environment = Path(f"/proc/{started.pid}/environ").read_bytes()
        started.stop()
    finally:
        del os.environ["PATCHWORKS_TEST_LEAK"]
    assert b"leaked" not in environment


def test_the_lock_waits_for_its_holder_and_gives_up_in_time(tmp_path: Path) -> None:
    order: list[str] = []
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        with process.locked(tmp_path / "lock"):
            held.set()
            assert released.wait(600)
            order.append("first")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with (
        pytest.raises(process.Locked, match="lock is held by another command"),
        process.locked(tmp_path / "lock", timeout=0.1),
    ):
        pass
    threading.Timer(0.2, released.set).start()
    with process.locked(tmp_path / "lock", timeout=600):
        order.append("second")
    holder.join()
    assert order == ["first", "second"]


def test_a_server_does_not_inherit_the_lock_of_the_command_that_starts_it(tmp_path: Path) -> None:
    with process.locked(tmp_path / "lock"):
        started = start(tmp_path)
    with process.locked(tmp_path / "lock", timeout=0.5):
        started.stop()


def test_the_preferred_port_is_taken_only_where_it_is_free() -> None:
    import socket

    # Another process of this machine may take one in between, but hardly all of them.
    ports = [process.free_port() for _ in range(5)]
    assert [port for port in ports if process.free_port(port) == port]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert process.free_port(port) != port
