"""Resources that give permissions without a policy document."""

import pytest
from access_graphs import gained, graph, resource, role

from planning.access.compare import changes
from rehearsal.values import UNKNOWN, Secret

FUNCTION = "aws:lambda/permission:Permission"
KEY = "aws:kms/grant:Grant"
ARN = "arn:aws:iam::444455556666:role/stranger"


def said(given):
    (change,) = gained([], [given])
    return change


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            resource(
                FUNCTION,
                "url",
                action="lambda:InvokeFunctionUrl",
                function="checkout",
                principal="*",
                functionUrlAuthType="NONE",
            ),
            ("everyone", "lambda:InvokeFunctionUrl", "checkout"),
        ),
        (
            resource(
                FUNCTION,
                "topic",
                action="lambda:InvokeFunction",
                function="checkout",
                principal="sns.amazonaws.com",
                sourceArn="arn:aws:sns:eu-west-1:111122223333:orders",
            ),
            ("sns.amazonaws.com", "lambda:InvokeFunction", "checkout", ":orders"),
        ),
        (
            resource(
                KEY,
                "grant",
                keyId="1234abcd",
                granteePrincipal=ARN,
                operations=["Decrypt"],
                constraints=[{"encryptionContextEquals": {"tenant": "fernhill"}}],
            ),
            (ARN, "kms:Decrypt", "1234abcd", "fernhill"),
        ),
        (
            resource("aws:cloudwatch/eventPermission:EventPermission", "all", principal="*"),
            ("everyone", "events:PutEvents", "default"),
        ),
        (
            resource(
                "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
                "ami",
                imageId="ami-1",
                group="all",
            ),
            ("everyone", "ec2:RunInstances", "ami-1"),
        ),
        (
            resource(
                "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission",
                "disk",
                snapshotId="snap-1",
                accountId="444455556666",
            ),
            ("444455556666", "ec2:CreateVolume", "snap-1"),
        ),
        (
            resource("aws:s3/bucketAcl:BucketAcl", "acl", bucket="files", acl="authenticated-read"),
            ("everyone", "s3:ListBucket", "files"),
        ),
    ],
)
def test_what_is_granted_is_said_with_who_and_on_what(given, expected):
    change = said(given)
    for part in expected:
        assert part in change.text
    assert change.urn == given.urn


@pytest.mark.parametrize("asked", ["NONE", None])
def test_a_function_that_anyone_may_call_is_high(asked):
    change = said(
        resource(
            FUNCTION,
            "url",
            action="lambda:InvokeFunctionUrl",
            function="f",
            principal="*",
            functionUrlAuthType=asked,
        )
    )
    assert change.severity == "high"


def test_a_private_bucket_is_nothing_gained():
    acl = resource("aws:s3/bucketAcl:BucketAcl", "acl", bucket="files", acl="private")
    assert not changes(graph(), graph(acl))


@pytest.mark.parametrize("principal", [UNKNOWN, Secret('p\'w "x" %41@:/$;ü')])
def test_a_grant_that_cannot_be_told_is_said_and_never_guessed(principal):
    grant = resource(KEY, "k", keyId="1", operations=["Decrypt"], granteePrincipal=principal)
    told = changes(graph(), graph(grant))
    assert told.gained == ()
    assert told.not_understood == (
        "Grant k: it grants something, but its granteePrincipal can't be told before it is "
        "deployed",
    )


def test_a_policy_attached_to_many_at_once_is_each_ones():
    own = role()
    attachment = resource(
        "aws:iam/policyAttachment:PolicyAttachment",
        "all",
        roles=["app"],
        groups=["staff"],
        users=UNKNOWN,
        policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )
    told = changes(graph(own), graph(own, attachment))
    assert {each.severity for each in told.gained} == {"high"}
    assert len(told.gained) == 2
    assert any("group staff" in each.text for each in told.gained)
    assert any("its users are known only once" in each for each in told.not_understood)
