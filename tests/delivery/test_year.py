"""The evidence of a year says what was recorded in it, and what a reader should look at first."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalog.load import find_root, load
from delivery.checklist import load_checklist
from delivery.checkout import RefusedError
from delivery.github_drift import DriftIssue, drift_issues
from delivery.records import Approval, CheckResult, Progress, RestoreTested, WaveDone
from delivery.table import DeliveryRecords
from delivery.year import collect
from delivery.year_report import report
from rehearsal.servers.moto import MotoServer
from stacks.deliveries import deliveries_table_name
from stacks.ledger import table_name
from stacks.ledger_table import LedgerTable

ROOT = find_root()
CATALOG = load(ROOT)
CHECKLIST = load_checklist(ROOT, CATALOG)
ORGANIZATION = CATALOG.organization
GOOD, BAD = "a" * 40, "b" * 40
NOW = datetime(2027, 1, 3, tzinfo=UTC)
HOSTILE = "a | table <img> @everyone\n# `x`"
PRODUCTION = [name for name, cell in CATALOG.cells.items() if cell.environment == "prod"]


class Engine:
    """A client of moto, and nothing else: a year is read from the tables alone."""

    def __init__(self, client):
        self._client = client

    def dynamodb(self):
        return self._client


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    moto = MotoServer(tmp_path_factory.mktemp("moto"))
    moto.start()
    client = moto.client("dynamodb", ORGANIZATION.accounts.management, ORGANIZATION.home_region)
    for table, keys in (
        (deliveries_table_name(ORGANIZATION.name), {"delivery": "S", "part": "S"}),
        (table_name(ORGANIZATION.name), {"tenant": "S", "version": "N"}),
    ):
        client.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    yield Engine(client)
    moto.stop()


@pytest.fixture(scope="module")
def records(engine):
    made = DeliveryRecords(ORGANIZATION, engine.dynamodb())
    at = datetime(2026, 5, 1, tzinfo=UTC)
    waves = ("dev", "staging", "canary", "rest")
    checks = {
        name: CheckResult(name=name, passed=True, exit_code=0, seconds=1, said="", at=at, run="r")
        for name in CHECKLIST.automated
    }
    approval = Approval(
        name="hands-on-qa", decision="approved", by=("Ann",), comment=HOSTILE,
        recorded_by="arn:aws:sts::1:assumed-role/ci", run="r", at=at,
    )  # fmt: skip
    done = {wave: WaveDone(wave=wave, at=at) for wave in waves}
    good = Progress(commit=GOOD, waves=done, checks=checks, approvals={"hands-on-qa": approval})
    made.write(GOOD, "delivery", good, 0)
    made.write(BAD, "delivery", Progress(commit=BAD, waves=done), 0)
    old = {"dev": WaveDone(wave="dev", at=at.replace(year=2025))}
    made.write("c" * 40, "delivery", Progress(commit="c" * 40, waves=old), 0)
    for month in range(1, 13):
        for cell in PRODUCTION[1:]:
            restored(made, cell, datetime(2026, month, 1, tzinfo=UTC))
    restored(made, PRODUCTION[0], datetime(2026, 2, 1, tzinfo=UTC), faults=(HOSTILE,))
    ledger = LedgerTable(ORGANIZATION, engine.dynamodb())
    placement = CATALOG.tenants["brightwater"].placement
    ledger.change("brightwater", None, placement=placement, why=HOSTILE)
    return made


def restored(records, cell, at, faults=()):
    tested = RestoreTested(
        cell=cell, environment="prod", cluster=f"{cell}-pool-a", tenants=("x",), backup="b",
        taken=at, seconds=60, tables=3, rows=9, faults=faults, run="r", recorded_by="w", at=at,
    )  # fmt: skip
    records.write("restore-tests", f"{cell}-pool-a#{at.isoformat()}", tested, 0)


@pytest.fixture
def found(engine, records):
    drift = [
        DriftIssue(stack="cell.prod-us-east-1", opened=NOW - timedelta(days=20), closed=None,
                   address="https://github.example/1"),
        DriftIssue(stack="tenant.a", opened=NOW - timedelta(days=40),
                   closed=NOW - timedelta(days=39), address="https://github.example/2"),
    ]  # fmt: skip
    return collect(
        2026,
        commit=GOOD,
        catalog=CATALOG,
        checklist=CHECKLIST,
        engine=engine,
        records=records,
        tags={"v1.0.0": GOOD, "v0.9.0": "d" * 40},
        drift=drift,
        now=NOW,
    )


def test_a_year_has_what_was_delivered_restored_moved_and_released_in_it(found):
    assert {each.commit for each in found.deliveries} == {GOOD, BAD}
    assert [each.tag for each in found.releases] == ["v1.0.0"]
    assert len(found.restore_tests) == 12 * (len(PRODUCTION) - 1) + 1
    # The ledger's entry is of the day on which this test runs.
    assert {each.tenant for each in found.moves} <= {"brightwater"}
    assert len(found.drift) == 2
    assert {each.name for each in found.groups} == set(ORGANIZATION.groups)


def test_what_should_be_looked_at_comes_first_and_nothing_else_does(found):
    assert set(found.findings) == {
        f"production got {BAD[:10]} without the approval hands-on-qa",
        *(
            f"production got {BAD[:10]} without the check {name}"
            for name in ("smoke", "quality", "settled")
        ),
        f"no backup of {PRODUCTION[0]} was restored from 2026-02-01 to 2027-01-01",
        f"{PRODUCTION[0]}-pool-a could not be had back whole on 2026-02-01: {HOSTILE}",
        "cell.prod-us-east-1 differed for 18 days: https://github.example/1",
    }


def test_the_report_shows_all_of_it_and_hostile_text_breaks_nothing(found):
    text = report(found)
    assert "hands-on-qa: approved, Ann" in text
    assert "@everyone" not in text
    assert "<img>" not in text.replace("\\<img>", "")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for line in rows:
        assert line.endswith(" |")
    assert not [line for line in text.splitlines() if line.startswith("# `x`")]


def test_a_year_without_anything_recorded_says_what_is_missing(engine, records):
    empty = collect(
        2024, commit=GOOD, catalog=CATALOG, checklist=CHECKLIST, engine=engine, records=records,
        tags={}, drift=None, now=NOW,
    )  # fmt: skip
    assert empty.deliveries == ()
    assert "GitHub was not asked which stacks differed from what was brought up" in empty.findings
    assert len(empty.findings) == 1 + len(PRODUCTION)
    assert "None." in report(empty)


@pytest.fixture
def issues():
    """GitHub's API, as far as it lists issues."""
    kept = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            page = int(self.path.rpartition("page=")[2])
            body = json.dumps(kept[100 * (page - 1) : 100 * page]).encode()
            self.send_response(200 if self.headers["Authorization"] == "Bearer t" else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_drift_is_read_from_all_pages_of_issues_that_the_workflow_wrote(issues):
    kept, api = issues
    kept += [
        {
            "title": f"Drift: tenant.t{n}",
            "user": {"login": login},
            "created_at": "2026-02-01T00:00:00Z",
            "closed_at": None,
            "html_url": f"https://github.example/{n}",
        }
        for n in range(120)
        for login in ("github-actions[bot]", "mallory")
    ]
    found = drift_issues(api, "o/r", "t")
    assert [each.stack for each in found] == [f"tenant.t{n}" for n in range(120)]
    with pytest.raises(RefusedError, match="does not tell what drifted"):
        drift_issues(api, "o/r", "wrong")
