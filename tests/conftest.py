"""What holds for every test: none is skipped, and none leaves a server behind."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import needed_programs
import pytest
import stalls
from hypothesis import HealthCheck, settings

from rehearsal.garbage import search_seldom
from rehearsal.servers import process


def pytest_configure() -> None:
    """Hear Ctrl-C: a run in the background ignores it, and all that it starts would as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes, or to make one, says how busy the machine is. What is tried is the
    # same each time, but for the night: there it is something new.
    settings.register_profile(
        "unhurried",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=not os.environ.get("PATCHWORKS_NIGHTLY"),
    )
    settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped fails: what does not run proves nothing."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that is skipped fails as well."""
    report = yield
    refuse_skip(report)
    return report


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"no test may be skipped here, and this one was: {reason}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a program that this machine lacks, but not in CI."""
    needed_programs.leave_out(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In CI nothing is left out: there a missing program is a failure."""
    needed_programs.require(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, where nobody overlooks it, and how long clients waited."""
    for line in needed_programs.lines():
        terminalreporter.write_line(line, red=True, bold=True)
    for line in stalls.lines(terminalreporter.getreports("passed")):
        terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a parallel worker what it left out; each collects all tests."""
    # A worker that died has no output.
    if not needed_programs.not_run:
        needed_programs.not_run.update(getattr(node, "workeroutput", {}).get("not_run", {}))


def pytest_collection_finish() -> None:
    """Keep what was imported out of every later search for garbage, and search less often."""
    gc.collect()
    gc.freeze()
    search_seldom()


# Before pytest tears fixtures down and removes the directories: an interrupted run may do neither.
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers that this run started and did not stop."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = dict(needed_programs.not_run)
    # pytest keeps the directory private, and offers it to fixtures only.
    directory = session.config._tmp_path_factory.getbasetemp()
    for pidfile in pidfiles(directory):
        if process.find(pidfile) is not None:
            process.stop(pidfile, sign=signal.SIGINT)


def pidfiles(directory: Path) -> Iterator[Path]:
    """Those below a directory, from which servers may still remove others."""
    for home, _, files in os.walk(directory):
        yield from (Path(home, name) for name in files if name.endswith(".pid"))
