"""`patchworks demo --move` as people meet it: the story, the account of writes, and its report."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from journeys import Journey

sys.path.append(str(Path(__file__).parents[1] / "database_moves"))

import page_in_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.needs_pgbouncer, pytest.mark.needs_chromium]

SHIPPED = ("prod-eu-west-1", "prod-us-east-1", "brightwater", "delmar-retail", "fernhill")


@pytest.fixture
def journey(tmp_path: Path) -> Iterator[Journey]:
    journey = Journey(tmp_path / "a demo", SHIPPED.__contains__)
    try:
        yield journey
    finally:
        journey.cloud.reset()


def test_the_demo_moves_a_tenant_there_and_back_and_accounts_for_every_write(
    journey: Journey, tmp_path: Path
) -> None:
    done = journey.run("demo", "--move")
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert "+ database: dedicated" in told
    assert told.count("prod-us-east-1/dedicated serves, prod-eu-west-1/pool-a follows") == 2
    assert told.count("prod-eu-west-1/pool-a serves, prod-us-east-1/dedicated follows") == 1
    assert re.search(r"acknowledged and lost 0 there twice 0 errors it was told 0", told)
    acknowledged = re.search(r"writes acknowledged ([0-9,]+)", told)
    assert acknowledged is not None
    assert int(acknowledged[1].replace(",", "")) > 100
    # The consistency checker found nothing that does not agree.
    assert " NO " not in told

    report = re.search(r"The report of the move, with its charts: (.+)$", done.stdout, re.MULTILINE)
    assert report is not None
    seen = page_in_browser.look(Path(report[1]), width=1280, picture=tmp_path / "report.png")
    assert seen.charts >= 5
    assert "PostgreSQL 16" in seen.text
    assert "PostgreSQL 18" in seen.text
    assert "Cutover 3 to the target: done" in seen.text

    again = journey.run("demo", "--move")
    assert again.returncode == 0, again.stderr
    assert "was moved by an earlier demo already" in again.stdout
