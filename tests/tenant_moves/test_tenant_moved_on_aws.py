"""A tenant moves on AWS while its application writes through its pooler's pods.

Pulumi's engine is simulated: the rehearsal does what the CLI is asked for. See `aws_journey` for
what is real.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import boto3
import pytest
from aws_journey import PEERING, AwsJourney
from botocore.exceptions import ClientError
from tenant_journey import IRELAND, TENANT, VIRGINIA

from catalog import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.workload import Workload
    from tenant_journey import Ran

pytestmark = pytest.mark.needs_pgbouncer

NIGHTLY = bool(os.environ.get("PATCHWORKS_NIGHTLY"))
AGREES_SECONDS = 300.0
OBJECTS = 60
IDENTITY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
TAKE = "take the role tenant-mover"
SECRET = 'p\'w "x" %41@:/$;ü'


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsJourney]:
    journey = AwsJourney(tmp_path_factory.mktemp("aws"))
    yield journey
    journey.stop()


def verified(journey: AwsJourney) -> Ran:
    """The checker's word, once a guard that settles an attempt has done so."""
    deadline = time.monotonic() + AGREES_SECONDS
    while True:
        said = journey.tenant("status", "--verify")
        if said.code == 0 or time.monotonic() > deadline:
            assert said.code == 0, said.out + said.error
            return said


def moved(journey: AwsJourney, clients: Workload, there: str) -> str:
    """Move there while clients write, in the night with kills and a way back; all that was said."""
    told, here = [], journey.serving()
    for point in ("tenant.routed", "tenant.flipped") if NIGHTLY else ():
        killed = journey.tenant("move", kill_at=point)
        assert killed.killed, (point, killed)
        clients.wait_for_writes(3)
        told += [killed, verified(journey)]
    commands = ["move", "rollback", "move"] if NIGHTLY else ["move"]
    for command in commands:
        ran = journey.tenant(command, "--json")
        assert ran.code == 0, (command, ran.out, ran.error)
        assert ran.json["serving"] == (here if command == "rollback" else there)
        clients.wait_for_writes(10)
        told.append(ran)
    return "".join(ran.out + ran.error for ran in told)


def ended(journey: AwsJourney, clients: Workload) -> str:
    """Finish the move while clients write; all that was said."""
    ran = journey.tenant("finish", "--json")
    assert ran.code == 0, (ran.out, ran.error)
    clients.wait_for_writes(10)
    return ran.out + ran.error + verified(journey).out


def refused_by_aws(journey: AwsJourney) -> str:
    """Try to end the move in the ways that AWS does not take; all that was said."""
    before, told = journey.history(), ""
    nobody = {"AWS_EC2_METADATA_DISABLED": "true"} | dict.fromkeys(IDENTITY, "")
    for changed, says in (
        (nobody, ("there are no AWS credentials", TAKE)),
        ({"AWS_ACCESS_KEY_ID": "AKIA0123456789ABCDEF"}, ("InvalidClientTokenId", TAKE)),
        ({"AWS_PROFILE": "nobody"} | nobody, ("profile (nobody) could not be found",)),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, ("AWS does not answer", "see to the way")),
    ):
        with journey.under(changed):
            for command in (("finish", "--without", "source"), ("rollback",), ("status",)):
                ran = journey.tenant(*command)
                assert ran.code == 1, (changed, command, ran)
                (line,) = [each for each in ran.error.splitlines() if "patchworks:" in each]
                assert [each for each in says if each not in line] == [], line
                assert "Traceback" not in ran.error
                assert "PATCHWORKS_DEBUG" not in ran.error
                told += ran.out + ran.error
    assert journey.history() == before
    return told


def fill(journey: AwsJourney) -> None:
    """So many objects that rclone is started, and a secret that somebody made by hand."""
    s3, bucket = journey.s3(IRELAND)
    for number in range(OBJECTS):
        s3.put_object(Bucket=bucket, Key=f"invoices/{number:04}.txt", Body=b"invoice")
    journey.secrets(IRELAND).create_secret(
        Name=f"{IRELAND}/{TENANT}/partner-token", SecretString=SECRET
    )


def see_who_asked(journey: AwsJourney, told: str) -> None:
    """Pulumi is asked under the deploy role's profile alone, and nobody is told a password."""
    for call in journey.cli.calls:
        if call.arguments != ["version"]:
            asking = call.environment
            assert (asking["AWS_PROFILE"], asking["AWS_ACCESS_KEY_ID"]) == ("deploy", ""), call
        assert call.arguments[0] != "up" or "--show-secrets" not in call.arguments
    told += "".join(line for api in journey.clusters.values() for line in api.asked)
    assert not [word for word in (*journey.passwords(), SECRET) if word in told]


def test_a_tenant_moves_within_its_cell_and_no_acknowledged_write_is_lost_simulated_engine(
    journey: AwsJourney,
) -> None:
    journey.settle(IRELAND, "pool-a")
    journey.declare(IRELAND, "pool-b")
    before = len(journey.cli.brought_up)
    with journey.workload(IRELAND) as clients:
        clients.wait_for_writes(10)
        told = moved(journey, clients, f"{IRELAND}/pool-b")
        told += ended(journey, clients)
        assert journey.account(clients).pooler_errors == ()
    assert list(journey.platform.exports(TENANT).databases) == [f"{IRELAND}/pool-b"]
    assert set(journey.cli.brought_up[before:]) == {f"tenant.{TENANT}"}
    assert journey.overwritten == []
    see_who_asked(journey, told)


def test_a_tenant_moves_between_cells_by_a_peering_that_goes_afterwards_simulated_engine(
    journey: AwsJourney,
) -> None:
    journey.settle(IRELAND, "pool-b")
    fill(journey)
    journey.declare(VIRGINIA, "pool-b")
    begun = len(journey.cli.brought_up)
    # Through the pods of the cell that is left, and then of the one that serves.
    with journey.workload(IRELAND) as clients:
        clients.wait_for_writes(10)
        told = moved(journey, clients, f"{VIRGINIA}/pool-b") + verified(journey).out
        assert journey.account(clients).pooler_errors == ()
    assert journey.peered() == ["connection", "routes", "rules"]
    assert journey.objects(VIRGINIA) == journey.objects(IRELAND)
    assert len(journey.objects(VIRGINIA)) == OBJECTS
    ups = journey.cli.brought_up[begun:]
    assert (ups[0], set(ups[1:])) == (PEERING, {f"tenant.{TENANT}"})
    told += refused_by_aws(journey)
    with journey.workload(VIRGINIA) as clients:
        clients.wait_for_writes(10)
        told += ended(journey, clients)
        assert journey.account(clients).pooler_errors == ()
    assert journey.cli.brought_up[-2:] == [f"tenant.{TENANT}", PEERING]
    assert (journey.peered(), journey.entry().spans) == ([], ())
    assert list(journey.platform.exports(TENANT).databases) == [f"{VIRGINIA}/pool-b"]
    journey.settle_cluster(IRELAND)
    assert journey.clusters[IRELAND].pods == {}
    assert journey.overwritten == []
    see_who_asked(journey, told)


def test_the_mover_may_not_do_all_that_is_asked_of_moto(journey: AwsJourney) -> None:
    settings = journey.settings()
    mover = boto3.Session(
        settings["AWS_ACCESS_KEY_ID"],
        settings["AWS_SECRET_ACCESS_KEY"],
        settings["AWS_SESSION_TOKEN"],
    )
    s3 = mover.client("s3", endpoint_url=settings["AWS_ENDPOINT_URL"], region_name="eu-west-1")
    catalog = journey.load()
    bucket = names.backup_bucket(catalog.organization, catalog.cells[IRELAND])
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="any")
