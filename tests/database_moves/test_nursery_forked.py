"""Processes that a mover's nursery forks: they do what started ones do, and end as those."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

PROGRAMS = """
import os, sys
from database_moves import nursery

def echo(mover):
    assert mover == int(sys.stdin.readline())
    sys.stdout.write(sys.stdin.readline().upper())
    sys.stdout.flush()
    sys.stdin.read()
    return 7

def fail(mover):
    raise ValueError("on purpose")

def begin(program):
    return nursery.start(f"programs:{program}", 2)
"""


def ran(tmp_path, code: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "programs.py").write_text(PROGRAMS)
    (tmp_path / "mover.py").write_text(
        "from programs import *\nimport signal, subprocess, threading, time\nnursery.begin()\n"
        + textwrap.dedent(code)
    )
    return subprocess.run(
        [sys.executable, "mover.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_forked_process_has_pipes_of_its_own_and_an_exit_code(tmp_path):
    found = ran(
        tmp_path,
        r"""
        child = begin("echo")
        child.stdin.write(f"{os.getpid()}\nwords ü\n".encode()); child.stdin.flush()
        assert child.stdout.readline().decode() == "WORDS Ü\n"
        assert child.poll() is None
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            child.stdin.close()
        assert child.wait(60) == child.poll() == 7
        child.kill()
        """,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_one_that_is_killed_says_by_what_and_one_that_fails_says_why(tmp_path):
    found = ran(
        tmp_path,
        """
        killed, failed = begin("echo"), begin("fail")
        killed.kill()
        assert killed.wait(60) == -signal.SIGKILL
        assert failed.wait(60) == 1
        """,
    )
    assert found.returncode == 0, found.stderr
    assert "ValueError: on purpose" in found.stderr


def test_many_at_once_from_many_threads_are_told_apart(tmp_path):
    found = ran(
        tmp_path,
        r"""
        def one():
            child = begin("echo")
            child.stdin.write(f"{os.getpid()}\n{threading.get_ident()}\n".encode())
            child.stdin.close()
            assert int(child.stdout.readline()) == threading.get_ident()
            ended.append(child.wait(60))
        ended = []
        threads = [threading.Thread(target=one) for _ in range(20)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert ended == [7] * 20
        """,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_children_outlive_a_mover_that_is_killed_and_hear_of_it(tmp_path):
    found = ran(
        tmp_path,
        r"""
        child = begin("echo")
        child.stdin.write(f"{os.getpid()}\nx\n".encode()); child.stdin.flush()
        assert child.stdout.readline() == b"X\n"
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert found.returncode == -signal.SIGKILL
    # The pipes of this test ended, so whoever held them has: the mover, its nursery and the child.
    assert int(found.stdout) > 0


def test_without_a_nursery_programs_are_started_as_such(tmp_path):
    found = ran(
        tmp_path,
        """
        nursery._lines.clear()
        assert begin("echo") is None
        """,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_with_a_nursery_that_was_killed_programs_are_started_as_such(tmp_path):
    found = ran(
        tmp_path,
        """
        (nursery_pid,) = [
            int(p) for p in open(f"/proc/self/task/{os.getpid()}/children").read().split()
        ]
        os.kill(nursery_pid, signal.SIGKILL)
        os.waitpid(nursery_pid, 0)
        assert begin("echo") is None
        """,
    )
    assert (found.returncode, found.stderr) == (0, "")
