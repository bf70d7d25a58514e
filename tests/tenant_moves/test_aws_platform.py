"""What AWS is to a move: the CLI's recorded contract, moto, and a record of moves in PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
import psycopg
import pytest
import requests
from moto.dynamodb.models import dynamodb_backends
from moto.server import ThreadedMotoServer
from psycopg.conninfo import conninfo_to_dict

from catalog import names
from catalog.load import find_root, load
from catalog.tenant import Placement
from database_moves import durable
from database_moves.database import Database
from database_moves.errors import MoveError
from rehearsal.servers.postgresql import PostgresqlServers
from stacks import pulumi_cli, spans
from stacks.ledger import table_arn, table_name
from stacks.ledger_table import LedgerTable
from tenant_moves import ambient, aws_store, entries
from tenant_moves.aws_platform import STACK_PROFILE, AwsPlatform
from tenant_moves.plan import Plan
from tenant_moves.slices import DatabaseAt
from tests.ledger_tables import make_ledger_table
from tests.recorded_pulumi import HISTORY, VERSION, RecordedPulumi, on_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = find_root()
CATALOG = load(ROOT)
CELL = CATALOG.cells["prod-eu-west-1"]
TENANT = "brightwater"
STACK = f"tenant.{TENANT}"
PASSWORD = "abcDEF123"
HOST = "prod-eu-west-1-pool-a.cluster-abc.eu-west-1.rds.amazonaws.com"
HERE = Placement(cell=CELL.name, database="pool-a")
EXPORTS = {
    "serving": {"cell": CELL.name, "database": "pool-a"},
    "hostnames": ["brightwater.example.com"],
    "zone_id": "Z1",
    "slices": {
        CELL.name: {
            "bucket": "b",
            "secret": "s",
            "key_arn": "k",
            "load_balancer": "lb",
            "load_balancer_zone_id": "Z2",
        }
    },
    "databases": {
        f"{CELL.name}/pool-a": {
            "writer_endpoint": HOST,
            "reader_endpoint": HOST.replace("cluster-", "cluster-ro-"),
            "port": 5432,
            "database": TENANT,
        }
    },
}
CELL_EXPORTS = {
    "kubeconfig": "[secret]",
    "databases": {"pool-a": {"writer_endpoint": HOST, "port": 5432}},
}


ANSWERS = [
    {"to": ["version"], "says": VERSION},
    {"to": ["stack", "select"]},
    {"to": ["up"], "says": "Updating\n + aws:s3:Bucket made\n"},
    {"to": ["stack", "output", "--json", "--show-secrets"], "says": "{}"},
    {"to": ["stack", "output", "--json", "--stack", STACK], "says": json.dumps(EXPORTS)},
    {"to": ["stack", "output", "--json"], "says": json.dumps(CELL_EXPORTS)},
    {"to": ["stack", "history"], "says": json.dumps(HISTORY)},
]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedPulumi:
    return on_path(tmp_path, ANSWERS, monkeypatch)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # What it has is kept in this process, where other modules' tests ran, too.
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=30)
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def platform(cli: RecordedPulumi, moto: str, monkeypatch: pytest.MonkeyPatch) -> AwsPlatform:
    """A platform with credentials of the cell's account at hand, and a login's secret."""
    del cli
    monkeypatch.setattr(ambient, "_clients", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = AwsPlatform(CATALOG, ROOT)
    # moto knows the account of a role's credentials, as AWS does.
    taken = boto3.client("sts", region_name="eu-west-1").assume_role(
        RoleArn=f"arn:aws:iam::{CELL.account}:role/mover", RoleSessionName="test"
    )["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", taken["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", taken["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", taken["SessionToken"])
    monkeypatch.setattr(ambient, "_clients", {})
    secrets = made.aws.client("secretsmanager", CELL.account, CELL.region)
    name = names.mover_secret(CELL, "pool-a")
    if name not in {each["Name"] for each in secrets.list_secrets()["SecretList"]}:
        secrets.create_secret(Name=name, SecretString=PASSWORD)
    return made


def test_recorded_an_update_runs_under_the_deploy_role_s_profile_and_shows_no_secret(
    cli: RecordedPulumi, platform: AwsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STACK_PROFILE, "deploy")
    told: list[tuple[str, str]] = []
    platform = AwsPlatform(CATALOG, ROOT, lambda stack, line: told.append((stack, line)))
    exports = platform.bring_up(TENANT)
    assert exports.serving == f"{CELL.name}/pool-a"
    assert (STACK, " + aws:s3:Bucket made") in told
    (update,) = cli.asked("up")
    assert update.arguments[:3] == ["up", "--yes", "--skip-preview"]
    assert "--show-secrets" not in update.arguments
    for call in cli.asked("stack"):
        assert (
            call.environment["AWS_PROFILE"],
            call.environment["AWS_ACCESS_KEY_ID"],
        ) == ("deploy", "")
    read = [call.arguments for call in cli.asked("stack", "output")]
    assert ["stack", "output", "--json", "--stack", STACK] in read


def test_recorded_exports_are_read_without_secrets(
    cli: RecordedPulumi, platform: AwsPlatform
) -> None:
    platform.exports(TENANT)
    platform.exports(TENANT)
    (read,) = cli.asked("stack", "output")
    assert "--show-secrets" not in read.arguments
    platform.bring_up(TENANT)
    assert cli.asked("stack", "output")[-1] == read


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            {"to": ["stack", "select"], "fails": f"error: no stack named '{STACK}' found\n"},
            "make it",
        ),
        ({"to": ["up"], "fails": "error: creating Bucket: AccessDenied\n"}, "AccessDenied"),
    ],
)
def test_recorded_what_the_cli_refuses_is_a_fault_of_the_move(
    cli: RecordedPulumi, platform: AwsPlatform, answer: dict[str, str], says: str
) -> None:
    cli.answers(answer)
    with pytest.raises(MoveError, match=rf"{TENANT} can't be brought up.*{says}"):
        platform.bring_up(TENANT)


def test_recorded_tenants_are_those_whose_stacks_have_something_in_them(
    cli: RecordedPulumi, platform: AwsPlatform
) -> None:
    listed = [
        {"name": "organization/patchworks/tenant.acme", "current": False, "resourceCount": 9},
        {"name": "tenant.gone", "current": False, "resourceCount": 0},
        {"name": "tenant.brightwater", "current": True, "updateInProgress": False},
        {"name": "cell.dev-eu-west-1", "current": False, "resourceCount": 7},
    ]
    cli.answers({"to": ["stack", "ls", "--json"], "says": json.dumps(listed)})
    assert platform.kept() == ["acme", "brightwater"]


def test_recorded_a_stack_that_exports_nothing_yet_is_being_created(
    cli: RecordedPulumi, platform: AwsPlatform
) -> None:
    cli.answers({"to": ["stack", "output", "--json", "--stack"], "says": "{}"})
    with pytest.raises(MoveError, match="being created"):
        platform.exports(TENANT)


def test_a_login_is_the_mover_s_with_the_secret_s_password_over_verified_tls(
    platform: AwsPlatform,
) -> None:
    dsn = platform.mover_dsn(platform.exports(TENANT).database(HERE))
    assert conninfo_to_dict(dsn) == {
        "host": HOST,
        "port": "5432",
        "dbname": TENANT,
        "user": "patchworks_mover",
        "password": PASSWORD,
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ssl/rds/global-bundle.pem",
    }
    server = platform.maintenance(TENANT, HERE)
    assert server is not None
    assert conninfo_to_dict(server.dsn)["dbname"] == "postgres"
    assert server.dialled == {"sslrootcert": "/rdsdbdata/rds-metadata/ca-cert.pem"}
    assert PASSWORD not in repr(server)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("elsewhere.example", "elsewhere.example is no database of a cell"),
        ("prod-us-east-1-pool-a.x", "prod-us-east-1/mover-pool-a is not there.*bring up cell"),
    ],
)
def test_a_database_without_a_login_is_told_by_its_name(
    platform: AwsPlatform, host: str, says: str
) -> None:
    with pytest.raises(MoveError, match=says):
        platform.mover_dsn(DatabaseAt(host, host, 5432, TENANT))


def test_a_database_of_its_own_that_is_to_be_made_has_no_server_yet(
    platform: AwsPlatform,
) -> None:
    settings = CATALOG.tenants["aurelia-health"].placement.dedicated
    own = Placement(cell=CELL.name, database="dedicated", dedicated=settings)
    assert platform.maintenance(TENANT, own) is None
    with pytest.raises(MoveError, match="exports no database pool-z"):
        platform.maintenance(TENANT, Placement(cell=CELL.name, database="pool-z"))


AWAY = Placement(cell="prod-us-east-1", database="pool-b")
PEERING = "peering.prod-eu-west-1.prod-us-east-1"
LISTED = [
    {"name": STACK, "current": True},
    {"name": f"halyard/patchworks/{PEERING}", "current": False},
]
BUSY = "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es)\n"


def test_recorded_a_move_to_another_cell_needs_the_stack_of_their_peering(
    cli: RecordedPulumi, platform: AwsPlatform
) -> None:
    far, near = (
        Plan(TENANT, "brightwater-2", HERE, target, False)
        for target in (AWAY, Placement(cell=CELL.name, database="pool-b"))
    )
    cli.answers({"to": ["stack", "ls", "--json"], "says": json.dumps(LISTED[:1])})
    (said,) = platform.hindrances(far)
    assert f"the backend has no stack {PEERING}" in said
    assert list(platform.hindrances(near)) == []
    cli.answers({"to": ["stack", "ls", "--json"], "says": json.dumps(LISTED)})
    assert list(platform.hindrances(far)) == []


def test_recorded_a_peering_is_brought_up_in_turn(
    cli: RecordedPulumi, platform: AwsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STACK_PROFILE, "deploy")
    cli.answers({"to": ["up"], "fails": BUSY})
    waited: list[float] = []

    def free(seconds: float) -> None:
        waited.append(seconds)
        cli.answers()

    # Of that module alone: other threads of this process wait as well.
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=free)
    monkeypatch.setattr(pulumi_cli, "time", waiting)
    platform.bring_up_peering(PEERING)
    assert len(waited) == 1
    refused, done = cli.asked("up")
    assert refused.arguments[:3] == done.arguments[:3] == ["up", "--yes", "--skip-preview"]
    assert done.arguments[done.arguments.index("--stack") + 1] == PEERING
    assert done.environment["AWS_PROFILE"] == "deploy"


def test_recorded_a_peering_that_stays_locked_is_a_fault_that_says_how_to_go_on(
    cli: RecordedPulumi, platform: AwsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.answers({"to": ["up"], "fails": BUSY})
    clock = iter(range(0, 100_000, 900))
    waiting = SimpleNamespace(monotonic=lambda: float(next(clock)), sleep=lambda _: None)
    monkeypatch.setattr(pulumi_cli, "time", waiting)
    with pytest.raises(MoveError, match=rf"{PEERING} can't be brought up.*pulumi cancel"):
        platform.bring_up_peering(PEERING)


def test_the_other_cell_is_reached_and_the_record_kept_in_the_first_one_while_a_move_spans_both(
    cli: RecordedPulumi, platform: AwsPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(aws_store, "url", lambda at: asked.append(at.dsn) or "")
    organization = CATALOG.organization
    management, home = organization.accounts.management, organization.home_region
    client = platform.aws.client("dynamodb", management, home)
    name = table_name(organization.name)
    make_ledger_table(client, name)
    # It is of the management account, whose table lets the mover in; moto knows nothing of that.
    dynamodb_backends[CELL.account][home].tables[name].table_arn = table_arn(organization)
    try:
        ledger = LedgerTable(organization, client)
        plan = Plan(TENANT, "brightwater-2", HERE, AWAY, False)
        assert not platform.reaches(plan)
        entry = ledger.change(TENANT, None, placement=HERE, why="")
        assert not platform.reaches(plan)
        entries.begin(ledger, plan, entry)
        assert platform.reaches(plan)
        entries.flip(ledger, plan, AWAY, "flipped")
        # Served from the other cell by now, as its stack will say.
        far = {**EXPORTS, "serving": {"cell": AWAY.cell, "database": AWAY.database}}
        cli.answers(
            {"to": ["stack", "output", "--json", "--stack", STACK], "says": json.dumps(far)}
        )
        platform.store_url(TENANT)
        spans.part(ledger, TENANT, plan.move, lambda _: None)
        assert not platform.reaches(plan)
        assert HOST in asked[0]
    finally:
        client.delete_table(TableName=name)


def test_without_credentials_a_move_says_what_to_take(
    cli: RecordedPulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del cli
    monkeypatch.setattr(ambient, "_clients", {})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    platform = AwsPlatform(CATALOG, ROOT)
    with pytest.raises(MoveError, match=r"no AWS credentials.*tenant-mover"):
        platform.served()
    monkeypatch.setenv(STACK_PROFILE, "nobody")
    with pytest.raises(MoveError, match="nobody"):
        ambient.AmbientAws(CATALOG.organization, "nobody").client("eks", CELL.account, CELL.region)


def test_moves_are_recorded_in_a_database_of_the_cell_that_is_made_once(tmp_path: Path) -> None:
    servers = PostgresqlServers(tmp_path / "postgresql")
    server = servers.ensure("prod-eu-west-1-pool-a", "16.8")
    try:
        threads = [
            threading.Thread(target=aws_store.url, args=(Database(server.mover_dsn(), "source"),))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        url = aws_store.url(Database(server.mover_dsn(), "source"))
        with durable.reading(url) as client:
            assert client.list_workflows() == []
        query = "SELECT current_database(), has_database_privilege('public', current_database(), "
        with psycopg.connect(server.mover_dsn(aws_store.DATABASE)) as session:
            assert session.execute(f"{query}'CONNECT')".encode()).fetchone() == (
                "patchworks_moves",
                False,
            )
    finally:
        servers.stop()
