"""Bootstrapping accounts on moto, as an identity that has the least rights and no more."""

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws, settings
from moto.core.responses import ActionAuthenticatorMixin

from bootstrap.documents import bucket_policy, key_policy, secrets_provider
from bootstrap.pieces import pieces
from bootstrap.rights import rights
from catalog.load import find_root, load

ENVIRONMENTS = ("dev", "staging", "prod")
HOME, COPY = "eu-west-1", "eu-central-1"

TRUST_IN_ANOTHER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def organization():
    return load(find_root()).organization


@pytest.fixture
def aws(monkeypatch, organization) -> Iterator[None]:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", organization.accounts.management)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        yield


@contextmanager
def enforced() -> Iterator[None]:
    """IAM is enforced inside; outside the test arranges what it likes."""
    before = settings.INITIAL_NO_AUTH_ACTION_COUNT
    ActionAuthenticatorMixin.request_count = 0
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = before
        ActionAuthenticatorMixin.request_count = 0


def clients(**credentials: str) -> Callable[[str, str], Any]:
    make: Any = boto3.client

    @functools.cache
    def client(service: str, region: str) -> Any:
        return make(service, region_name=region, **credentials)

    return client


def someone(document: dict[str, Any]) -> Callable[[str, str], Any]:
    """An identity that may do exactly these actions; moto compares no resource of most services."""
    document = {
        **document,
        "Statement": [
            *({**each, "Resource": "*"} for each in document["Statement"]),
            # moto asks for a call's own name, where IAM asks for s3:ListBucket.
            {"Effect": "Allow", "Action": "s3:HeadBucket", "Resource": "*"},
        ],
    }
    iam = boto3.client("iam", region_name=HOME)
    iam.create_user(UserName="someone")
    iam.put_user_policy(
        UserName="someone", PolicyName="rights", PolicyDocument=json.dumps(document)
    )
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    return clients(
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def made(organization, account: str, client: Callable[[str, str], Any]) -> list[str]:
    found = pieces(organization, account, COPY, client)
    for piece in found:
        piece.make()
    return differences(organization, account, client)


def differences(organization, account: str, client) -> list[str]:
    """What differs; moto forgets of a replication that encrypted objects are copied too."""
    forgotten = f"{organization.name}-pulumi-state: it is not copied to "
    return [
        difference
        for piece in pieces(organization, account, COPY, client)
        for difference in piece.differences()
        if not difference.startswith(forgotten)
    ]


def test_an_empty_account_lacks_everything_and_looking_makes_nothing(aws, organization):
    client = clients()
    assert len(differences(organization, "management", client)) == 5
    assert client("s3", HOME).list_buckets()["Buckets"] == []
    assert client("kms", HOME).list_aliases()["Aliases"] == [] or not [
        alias
        for alias in client("kms", HOME).list_aliases()["Aliases"]
        if "pulumi" in alias["AliasName"]
    ]


@pytest.mark.parametrize("account", ["management", "audit", "prod"])
def test_the_least_rights_are_enough(aws, organization, account):
    client = someone(rights(organization, account))
    found = pieces(organization, account, COPY, client)
    with enforced():
        assert all(piece.differences() for piece in found)
        for piece in found:
            piece.make()
    # moto takes a policy that denies what is not over TLS for one that denies all, from here on.
    assert differences(organization, account, clients()) == []


def test_again_changes_nothing(aws, organization):
    client = clients()
    assert made(organization, "management", client) == []
    before = client("s3", HOME).get_bucket_policy(Bucket=f"{organization.name}-pulumi-state")
    assert made(organization, "management", client) == []
    after = client("s3", HOME).get_bucket_policy(Bucket=f"{organization.name}-pulumi-state")
    assert before["Policy"] == after["Policy"]
    assert len(client("kms", HOME).list_keys()["Keys"]) == 1


NEEDED = [
    "iam:CreateRole",
    "iam:GetRole",
    "iam:PutRolePolicy",
    "kms:CreateAlias",
    "kms:CreateKey",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:ReplicateKey",
    "s3:CreateBucket",
    "s3:GetBucketVersioning",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
]


@pytest.mark.parametrize("action", NEEDED)
def test_without_any_of_them_it_is_refused(aws, organization, action):
    document = rights(organization, "management")
    for statement in document["Statement"]:
        actions = statement["Action"]
        statement["Action"] = [
            each for each in ([actions] if isinstance(actions, str) else actions) if each != action
        ] or ["sts:GetCallerIdentity"]
    client = someone(document)
    with enforced(), pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        made(organization, "management", client)


def test_every_version_of_a_state_is_copied_encrypted(aws, organization):
    sent: list[dict[str, Any]] = []
    client = clients()
    client("s3", HOME).meta.events.register(
        "provide-client-params.s3.PutBucketReplication",
        lambda params, **_: sent.append(params["ReplicationConfiguration"]),
    )
    made(organization, "management", client)
    (rule,) = sent[0]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    key = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]
    assert key.startswith(f"arn:aws:kms:{COPY}:")
    kept = client("s3", HOME).get_bucket_replication(Bucket=f"{organization.name}-pulumi-state")
    assert kept["ReplicationConfiguration"]["Rules"][0]["Destination"] == rule["Destination"]


def test_a_change_by_hand_is_named_and_mended(aws, organization):
    client = clients()
    assert made(organization, "management", client) == []
    bucket = f"{organization.name}-pulumi-state"
    client("s3", HOME).put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    client("s3", HOME).delete_bucket_policy(Bucket=bucket)
    client("iam", HOME).update_assume_role_policy(
        RoleName=f"{bucket}-copy",
        PolicyDocument=json.dumps(TRUST_IN_ANOTHER),
    )
    assert differences(organization, "management", client) == [
        f"{bucket}-copy trusts others than it should",
        f"{bucket}: versions are not kept",
        f"{bucket}: its policy differs",
    ]
    assert made(organization, "management", client) == []


def test_states_that_are_there_stay_there(aws, organization):
    client = clients()
    bucket = f"{organization.name}-pulumi-state"
    client("s3", HOME).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME}
    )
    client("s3", HOME).put_object(Bucket=bucket, Key=".pulumi/meta.yaml", Body=b"version: 1")
    assert made(organization, "management", client) == []
    client("s3", HOME).delete_bucket_policy(Bucket=bucket)
    found = client("s3", HOME).get_object(Bucket=bucket, Key=".pulumi/meta.yaml")
    assert found["Body"].read() == b"version: 1"


def test_a_role_opens_the_secrets_of_its_own_environment_alone(organization):
    looking = {"SecretsDrift": ("prod", "drift-prod")} | {
        f"SecretsPreview{each.title()}": (each, "preview") for each in ENVIRONMENTS
    }
    deploying = {f"Secrets{each.title()}": (each, f"deploy-{each}") for each in ENVIRONMENTS}
    found = {
        each["Sid"]: each
        for each in key_policy(organization)["Statement"]
        if each["Sid"].startswith("Secrets")
    }
    assert found.keys() == looking.keys() | deploying.keys()
    for sid, (environment, role) in (looking | deploying).items():
        condition = found[sid]["Condition"]
        account = organization.account(environment)
        assert condition["StringEquals"] == {"kms:EncryptionContext:environment": environment}
        assert condition["ArnEquals"]["aws:PrincipalArn"] == (
            f"arn:aws:iam::{account}:role/{organization.name}-ci-{role}"
        )
        assert found[sid]["Principal"]["AWS"].split(":")[4] == account
    for sid in looking:
        # They open what states hold, and seal nothing.
        assert found[sid]["Action"] == "kms:Decrypt"


def test_nobody_but_deploy_roles_and_those_that_look_comes_to_the_states(organization):
    policy = bucket_policy(organization, "states")
    allowed = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    takers = {each["Condition"]["ArnEquals"]["aws:PrincipalArn"] for each in allowed}
    roles = ("deploy-dev", "deploy-staging", "deploy-prod", "drift-prod", "preview")
    assert {arn.rpartition("/")[2] for arn in takers} == {
        f"{organization.name}-ci-{role}" for role in roles
    }
    written = [
        resource for each in allowed if each["Sid"] == "LockDrift" for resource in each["Resource"]
    ]
    assert written
    assert all("/.pulumi/locks/" in resource for resource in written)


def test_a_deploy_role_writes_the_state_of_every_kind_of_stack_that_it_brings_up(organization):
    policy = bucket_policy(organization, "states")
    (written,) = [each["Resource"] for each in policy["Statement"] if each["Sid"] == "WriteProd"]
    for stack in (
        "cell.prod-eu-west-1",
        "peering.prod-eu-west-1.prod-us-east-1",
        "tenant.brightwater",
    ):
        for file in (
            f"stacks/patchworks/{stack}.json",
            f"history/patchworks/{stack}/{stack}-1.history.json",
            f"backups/patchworks/{stack}/{stack}.1.json",
            f"locks/organization/patchworks/{stack}/1.json",
        ):
            arn = f"arn:aws:s3:::states/.pulumi/{file}"
            assert any(fnmatchcase(arn, pattern) for pattern in written), arn
    others = "arn:aws:s3:::states/.pulumi/stacks/patchworks/"
    for stack in ("organization", "cell.dev-eu-west-1", "peering.dev-eu-west-1.dev-us-east-1"):
        assert not any(fnmatchcase(f"{others}{stack}.json", pattern) for pattern in written)


def test_secrets_are_sealed_by_a_key_that_is_found_from_every_account(organization):
    management = organization.accounts.management
    assert secrets_provider(organization, "prod") == (
        f"awskms:///arn:aws:kms:{HOME}:{management}:alias/{organization.name}-pulumi-state"
        f"?region={HOME}&context_environment=prod"
    )


def test_a_preview_reads_states_and_writes_not_even_a_lock(organization):
    documents = (bucket_policy(organization, "states"), key_policy(organization))
    given = {
        action
        for document in documents
        for each in document["Statement"]
        if str(each.get("Condition", {}).get("ArnEquals", {})).endswith("-ci-preview'}")
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }
    assert given == {"kms:Decrypt", "s3:GetObject", "s3:ListBucket"}


def test_a_copy_in_the_same_region_is_refused(organization):
    with pytest.raises(ValueError, match="another region than eu-west-1"):
        pieces(organization, "management", HOME, clients())
