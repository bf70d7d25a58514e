"""`patchworks rehearse` and `patchworks demo` as people meet them, mistakes included."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from journeys import ROOT, Journey, environment

from catalog import names
from rehearsal.access import try_secrets
from tests.terminals import on_terminal

CELL = "dev-eu-west-1"
SHIPPED = ("prod-eu-west-1", "prod-us-east-1", "brightwater", "delmar-retail", "fernhill")


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    journey = Journey(tmp_path_factory.mktemp("a demo"), SHIPPED.__contains__)
    try:
        yield journey
    finally:
        journey.cloud.reset()


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Journey]:
    """A catalog whose cloud has not been started."""
    journey = Journey(tmp_path / "with space", {CELL, "sandbox"}.__contains__)
    try:
        yield journey
    finally:
        journey.cloud.reset()


def test_the_demo_in_a_pipe_is_plain_and_names_what_is_simulated(journey: Journey) -> None:
    done = journey.run("demo")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert re.search(
        r"Made for real: \d+\. .*validated, not run: \d+\. Simulated: \d+", done.stdout
    )
    for tenant in ("brightwater", "delmar-retail", "fernhill"):
        database = tenant.replace("-", "_")
        own = rf"^{tenant} +{tenant} .*{database}_app in {database}"
        assert len(re.findall(own, done.stdout, re.MULTILINE)) == 1
    assert done.stdout.count("refused: ") == 6
    assert "Where to look next" in done.stdout


def test_no_secret_is_shown_or_kept_in_clear(journey: Journey, tmp_path: Path) -> None:
    catalog, cloud = journey.load(), journey.cloud
    passwords = []
    for tenant in catalog.tenants.values():
        cell = catalog.cells[tenant.placement.cell]
        client = cloud.aws("secretsmanager", cell.account, cell.region)
        name = names.secret(cell, tenant.name, "database")
        text = client.get_secret_value(SecretId=name)["SecretString"]
        passwords += re.findall(r'"password": ?"([^"]{20,})"', text)
    assert len(passwords) == len(catalog.tenants)

    seen = b""
    with (tmp_path / "said").open("wb") as said:
        rehearsal = subprocess.Popen(
            journey.arguments("rehearse", "--json", "--verbose"),
            cwd=ROOT,
            env=environment(),
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        while rehearsal.poll() is None:
            seen += _command_lines()
            time.sleep(0.2)
    said_text = (tmp_path / "said").read_text()
    assert rehearsal.returncode == 0, said_text
    kept = b"".join(contents(journey.state))
    for password in passwords:
        assert password not in said_text
        assert password.encode() not in seen
        assert password.encode() not in kept


def contents(directory: Path) -> Iterator[bytes]:
    """What each file below a directory has; servers at work remove some meanwhile."""
    for home, _, files in os.walk(directory):
        for name in files:
            path = Path(home, name)
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    yield path.read_bytes()


def _command_lines() -> bytes:
    found = b""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        # Processes end while their files are read.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += file.read_bytes()
    return found


def test_the_demo_again_on_a_terminal_shows_progress_and_leaves_none(journey: Journey) -> None:
    settings = environment() | {"TERM": "xterm-256color"}
    demo = on_terminal(journey.arguments("demo"), settings=settings, directory=ROOT, timeout=1800)
    assert demo.code == 0, demo.text[-3000:]
    assert "unchanged" in demo.text
    # The live line was drawn, and the cursor is shown again after it.
    assert "\x1b[?25l" in demo.text
    assert demo.text.rindex("\x1b[?25h") > demo.text.rindex("\x1b[?25l")


def test_each_secret_opens_its_own_database_only(journey: Journey) -> None:
    tried = try_secrets(journey.load(), journey.cloud, ("brightwater", "delmar-retail", "fernhill"))
    assert len(tried) == 9
    assert all(access.as_promised for access in tried)


def test_a_wrong_stack_name_is_wrong_usage_and_lists_the_right_ones(untouched: Journey) -> None:
    done = untouched.run("rehearse", "tenant.nobody")
    assert done.returncode == 2
    assert "there is no stack 'tenant.nobody'" in " ".join(done.stderr.split())
    assert "organization, cell.dev-eu-west-1, tenant.sandbox" in " ".join(done.stderr.split())
    assert not untouched.state.exists()


def test_a_broken_catalog_is_told_before_anything_starts(untouched: Journey) -> None:
    untouched.edit("tenants/sandbox.yaml", ("cell: dev-eu-west-1", "cell: dev-eu-west-9"))
    done = untouched.run("rehearse")
    assert done.returncode == 1
    assert "tenants/sandbox.yaml:" in done.stderr
    assert "patchworks: the catalog has 1 fault" in done.stderr
    assert not untouched.state.exists()


def test_a_state_directory_that_cannot_be_made_is_told_in_a_line(untouched: Journey) -> None:
    untouched.state.write_text("a file is in the way")
    done = untouched.run("rehearse")
    untouched.state.unlink()
    assert done.returncode == 1
    assert str(untouched.state) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_of_another_version_is_refused_with_the_remedy(untouched: Journey) -> None:
    journal = untouched.cloud.stack_state("organization")
    journal.parent.mkdir(parents=True)
    journal.write_text('{"version": 0}\n')
    done = untouched.run("rehearse", "organization")
    assert done.returncode == 1
    assert "written by another version (0)" in done.stderr
    assert "patchworks local stop --reset" in done.stderr


def test_an_ordinary_user_rehearses_as_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Path(tempfile.mkdtemp(prefix="patchworks-nobody-", dir="/tmp"))
    home.chmod(0o755)
    journey = Journey(home, {CELL, "sandbox"}.__contains__)
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
    try:
        # The interpreter may lie in root's home, which others may not search.
        search = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *search]
        as_nobody = become if os.geteuid() == 0 else []
        done = subprocess.run(
            [*as_nobody, *journey.arguments("rehearse", "tenant.sandbox")],
            cwd=ROOT,
            env=environment() | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        assert "tenant.sandbox: " in done.stderr
        assert journey.state.stat().st_uid == home.stat().st_uid != 0
    finally:
        journey.cloud.reset()
        shutil.rmtree(home)
