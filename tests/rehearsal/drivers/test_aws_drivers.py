"""Every AWS driver against a real moto server: what is declared arrives, changes and goes."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jmespath
import psycopg
import pytest
from aws_case import DEFAULT_TAGS, Case, LocalCloud, Subject, Surroundings, allow, trust
from aws_cases_data import CASES as DATA
from aws_cases_identity import CASES as IDENTITY
from aws_cases_network import CASES as NETWORK
from aws_cases_traffic import CASES as TRAFFIC
from aws_cases_watching import CASES as WATCHING
from botocore.exceptions import ClientError

import rehearsal.drivers
from rehearsal.drivers import drivers
from rehearsal.drivers.aws_calls import gone
from rehearsal.drivers.aws_parameters import NoPlaceError
from rehearsal.servers.moto import MotoServer
from rehearsal.servers.postgresql import PostgresqlServers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CASES: dict[str, Case] = NETWORK | IDENTITY | DATA | TRAFFIC | WATCHING


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    directory = tmp_path_factory.mktemp("cloud")
    moto, postgresql = MotoServer(directory / "moto"), PostgresqlServers(directory / "postgresql")
    moto.start()
    yield LocalCloud(moto, postgresql)
    moto.stop()
    for name in ("surroundings", "tested", "served"):
        postgresql.remove(name)


@pytest.fixture(scope="session")
def around(cloud: LocalCloud) -> Surroundings:
    return Surroundings(cloud)


def see(case: Case, subject: Subject, paths: Iterable[str]) -> dict[str, Any]:
    """What boto3 reads at the paths; nothing when the resource is gone."""
    driver = next(drivers()[type] for type, known in CASES.items() if known is case)
    try:
        answer = case.read(subject)
    except ClientError as error:
        if gone(error, *getattr(driver, "gone_too", ())):
            return dict.fromkeys(paths)
        raise
    return {path: jmespath.search(path, answer) for path in paths}


@pytest.mark.parametrize("type", sorted(CASES))
def test_a_resource_arrives_as_declared_changes_in_place_and_goes(
    type: str, around: Surroundings
) -> None:
    case, driver, cloud = CASES[type], drivers()[type], around.cloud
    inputs = case.inputs(around)
    id, outputs = driver.create("tested", inputs, cloud)
    subject = Subject(around, id, inputs, outputs)
    assert see(case, subject, case.shows) == case.shows
    for name, pattern in case.outputs.items():
        assert re.search(pattern, str(outputs[name])), f"{name} is {outputs[name]!r}"
    assert json.loads(json.dumps(outputs)) == outputs
    if "tagsAll" in outputs:
        assert outputs["tagsAll"] == DEFAULT_TAGS | inputs.get("tags", {})

    again = driver.update(id, inputs, inputs, outputs, cloud)
    assert see(case, subject, case.shows) == case.shows
    assert again.keys() == outputs.keys()

    if case.change is not None:
        changed = {**inputs, **case.change(around)}
        assert not driver.replaced_by & {k for k in changed if changed[k] != inputs.get(k)}
        outputs = driver.update(id, inputs, changed, again, cloud)
        subject = Subject(around, id, changed, outputs)
        assert see(case, subject, case.then) == case.then
        inputs = changed

    for _ in range(2):
        driver.delete(id, inputs, outputs, cloud)
        if case.after_delete is not None:
            assert see(case, subject, case.after_delete) == case.after_delete
        else:
            assert not any(see(case, subject, case.then or case.shows).values())


def test_every_aws_driver_has_a_case() -> None:
    modules = [
        import_module(f"rehearsal.drivers.{path.stem}")
        for path in Path(str(rehearsal.drivers.__file__)).parent.glob("aws_*.py")
    ]
    types = {type for module in modules for type in getattr(module, "DRIVERS", {})}
    assert sorted(types - CASES.keys()) == []
    assert sorted(CASES.keys() - types) == []


def test_every_driver_that_changes_something_has_a_case_for_it() -> None:
    unchanged = (type for type, case in CASES.items() if case.change is None)
    changing = {type for type in unchanged if getattr(drivers()[type], "updates", ())}
    # moto has no UpdateGroup; that this is refused has a test of its own.
    assert changing == {"aws:identitystore/group:Group"}


def test_a_property_that_no_call_takes_is_an_error_that_names_it(cloud: LocalCloud) -> None:
    with pytest.raises(NoPlaceError, match="cidrBlok"):
        drivers()["aws:ec2/vpc:Vpc"].create("vpc", {"cidrBlok": "10.0.0.0/16"}, cloud)


def test_what_moto_does_not_implement_is_a_failure(around: Surroundings) -> None:
    driver = drivers()["aws:identitystore/group:Group"]
    inputs = {"identityStoreId": "d-1234567890", "displayName": "auditors"}
    id, outputs = driver.create("auditors", inputs, around.cloud)
    with pytest.raises(ClientError, match="501"):
        driver.update(id, inputs, {**inputs, "description": "They read"}, outputs, around.cloud)


def test_a_setting_that_cannot_be_taken_back_must_be_declared(around: Surroundings) -> None:
    driver = drivers()["aws:iam/role:Role"]
    inputs = {"assumeRolePolicy": trust("eks.amazonaws.com"), "maxSessionDuration": 7200}
    id, outputs = driver.create("taken-back", inputs, around.cloud)
    less = {"assumeRolePolicy": inputs["assumeRolePolicy"]}
    with pytest.raises(NoPlaceError, match="maxSessionDuration"):
        driver.update(id, inputs, less, outputs, around.cloud)


def test_a_resource_s_own_tag_wins_over_the_provider_s(around: Surroundings) -> None:
    id, outputs = drivers()["aws:iam/role:Role"].create(
        "owned",
        {"assumeRolePolicy": trust("eks.amazonaws.com"), "tags": {"owner": "payments"}},
        around.cloud,
    )
    tags = around.api("iam").get_role(RoleName=id)["Role"]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == outputs["tagsAll"]
    assert outputs["tagsAll"] == {"cell": "dev-eu-west-1", "owner": "payments"}


def test_accounts_and_regions_do_not_see_each_other_s_resources(cloud: LocalCloud) -> None:
    queue = drivers()["aws:sqs/queue:Queue"]
    queue.create("alone", {"name": "alone"}, cloud)
    for other in (replace(cloud, account="444455556666"), replace(cloud, region="us-east-1")):
        assert "QueueUrls" not in other.aws("sqs").list_queues(QueueNamePrefix="alone")
        assert queue.create("alone", {"name": "alone"}, other)[1]["arn"] == (
            f"arn:aws:sqs:{other.region}:{other.account}:alone"
        )


def test_a_bucket_with_objects_goes_only_when_it_is_forced(around: Surroundings) -> None:
    driver = drivers()["aws:s3/bucket:Bucket"]
    inputs = {"bucket": "with-objects"}
    id, outputs = driver.create("with-objects", inputs, around.cloud)
    around.api("s3").put_object(Bucket=id, Key="kept", Body=b"data")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        driver.delete(id, inputs, outputs, around.cloud)
    driver.delete(id, {**inputs, "forceDestroy": True}, outputs, around.cloud)
    with pytest.raises(ClientError, match="404"):
        around.api("s3").head_bucket(Bucket=id)


def test_a_protected_database_cluster_is_not_deleted_and_keeps_its_server(
    around: Surroundings,
) -> None:
    driver = drivers()["aws:rds/cluster:Cluster"]
    inputs = {
        "clusterIdentifier": "served",
        "engine": "aurora-postgresql",
        "engineVersion": "16.8",
        "masterUsername": "root",
        "manageMasterUserPassword": True,
        "deletionProtection": True,
        "skipFinalSnapshot": True,
    }
    id, outputs = driver.create("served", inputs, around.cloud)
    with pytest.raises(ClientError, match="protect"):
        driver.delete(id, inputs, outputs, around.cloud)
    server = around.cloud.postgresql.find(outputs["endpoint"], outputs["port"])
    with psycopg.connect(server.superuser_dsn) as connection:
        version = connection.execute("show server_version").fetchone()
    assert version == (outputs["engineVersionActual"],)
    assert (outputs["engineVersionActual"] != "16.8") == ("16.8" in outputs.get("notes", ""))

    unprotected = {**inputs, "deletionProtection": False}
    outputs = driver.update(id, inputs, unprotected, outputs, around.cloud)
    driver.delete(id, unprotected, outputs, around.cloud)
    with pytest.raises(LookupError):
        around.cloud.postgresql.find(outputs["endpoint"], outputs["port"])


def test_a_policy_can_be_changed_more_often_than_iam_keeps_versions(around: Surroundings) -> None:
    driver = drivers()["aws:iam/policy:Policy"]
    inputs = {"name": "often", "policy": allow("s3:GetObject")}
    id, outputs = driver.create("often", inputs, around.cloud)
    for number in range(7):
        changed = {**inputs, "policy": allow("s3:GetObject", f"arn:aws:s3:::bucket-{number}/*")}
        outputs = driver.update(id, inputs, changed, outputs, around.cloud)
        inputs = changed
    policy = around.api("iam").get_policy(PolicyArn=id)["Policy"]
    assert policy["DefaultVersionId"] == "v8"


def test_a_certificate_is_not_valid_without_the_records_it_asks_for(around: Surroundings) -> None:
    arn, _ = around.certificate("unproven.example.com")
    with pytest.raises(RuntimeError, match="lacks the validation records"):
        drivers()["aws:acm/certificateValidation:CertificateValidation"].create(
            "unproven",
            {"certificateArn": arn, "validationRecordFqdns": ["other.example.com"]},
            around.cloud,
        )


def test_many_threads_create_at_once(around: Surroundings) -> None:
    driver = drivers()["aws:iam/role:Role"]
    inputs = {"assumeRolePolicy": trust("pods.eks.amazonaws.com")}

    def create(number: int) -> str:
        return driver.create(f"threaded-{number}", inputs, around.cloud)[0]

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(create, range(40)))
    roles = around.api("iam").get_paginator("list_roles").paginate().build_full_result()["Roles"]
    assert made == {r["RoleName"] for r in roles if r["RoleName"].startswith("threaded-")}
    assert len(made) == 40
