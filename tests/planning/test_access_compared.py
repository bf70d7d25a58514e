"""Permissions at two commits: what a change lets somebody do that they could not do before."""

import pytest
from access_graphs import (
    allow,
    deny,
    document,
    gained,
    graph,
    lost,
    resource,
    rights,
    role,
    texts,
)

from planning.access.compare import changes
from rehearsal.values import UNKNOWN, Secret

ROLE = "role app (111122223333)"


def test_an_action_more_is_gained_with_its_access_level():
    (change,) = gained(
        [role(), rights(allow("s3:GetObject"))],
        [role(), rights(allow(["s3:GetObject", "s3:DeleteObject"]))],
    )
    assert change.text == f"{ROLE} may s3:DeleteObject on arn:aws:s3:::b/*"
    assert (change.level, change.severity) == ("Write", "low")
    assert change.urn.endswith("RolePolicy::rights")


def test_an_action_less_is_lost_and_nothing_is_gained():
    before = [role(), rights(allow(["s3:GetObject", "s3:DeleteObject"]))]
    after = [role(), rights(allow("s3:GetObject"))]
    assert gained(before, after) == ()
    assert texts(lost(before, after)) == [f"{ROLE} may s3:DeleteObject on arn:aws:s3:::b/*"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([allow(["s3:GetObject", "s3:PutObject"])], [allow("s3:PutObject"), allow("s3:GetObject")]),
        ([allow("s3:getobject")], [allow("s3:GetObject")]),
        ([allow("s3:Get*")], [allow("s3:GetObject")]),
        ([allow("*")], [allow("s3:*")]),
        ([allow("s3:*", "a:b*")], [allow("s3:*", ["a:b", "a:b/*"])]),
        ([allow("s3:*", "*")], [allow("s3:*", "arn:aws:s3:::b")]),
        (
            [allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": ["a", "b"]}})],
            [allow("s3:*", Condition={"StringEquals": {"aws:requestedregion": "b"}})],
        ),
        (
            [
                allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "a"}}),
                allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "b"}}),
            ],
            [allow("s3:*", Condition={"StringEquals": {"aws:RequestedRegion": ["a", "b"]}})],
        ),
        (
            [allow("s3:*", Condition={"StringLike": {"aws:PrincipalArn": "role/a-*"}})],
            [allow("s3:*", Condition={"StringEquals": {"aws:PrincipalArn": "role/a-b"}})],
        ),
        ([allow("s3:*")], [allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})]),
        (
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
            [{"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"}],
        ),
        (
            [{"Effect": "Allow", "Action": "s3:*", "NotResource": "a*"}],
            [{"Effect": "Allow", "Action": "s3:*", "NotResource": ["a*", "c"]}],
        ),
        ([allow("s3:*")], [allow("s3:*"), deny("s3:DeleteObject")]),
        ([allow("s3:GetObject")], [allow("s3:*"), deny("s3:*")]),
    ],
    ids=lambda each: None,
)  # fmt: skip
def test_what_was_allowed_before_in_other_words_is_not_gained(before, after):
    assert gained([role(), rights(*before)], [role(), rights(*after)]) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            [allow("s3:GetObject")],
            [allow("s3:GetObject", "arn:aws:s3:::c/*")],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::c/*",
        ),
        (
            [allow("s3:GetObject", "arn:aws:s3:::b/?")],
            [allow("s3:GetObject", "arn:aws:s3:::b/*")],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::b/*",
        ),
        (
            [allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpc": ["v", "w"]}})],
            [allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpc": ["v", "x"]}})],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::b/* when aws:sourcevpc is x",
        ),
        (
            [allow("s3:GetObject", Condition={"StringNotEquals": {"aws:SourceVpc": ["v", "w"]}})],
            [allow("s3:GetObject", Condition={"StringNotEquals": {"aws:SourceVpc": ["v"]}})],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::b/* when aws:sourcevpc is not v",
        ),
        (
            [allow("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}})],
            [allow("s3:GetObject")],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::b/*",
        ),
        (
            [allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpc": "v"}})],
            [allow("s3:GetObject", Condition={"StringEqualsIfExists": {"aws:SourceVpc": "v"}})],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::b/* when aws:sourcevpc "
            "(StringEqualsIfExists) v",
        ),
        (
            [allow("s3:GetObject")],
            [allow("s3:GetObject", ["arn:aws:s3:::c/*", "arn:aws:s3:::d/*"])],
            f"{ROLE} may s3:GetObject on arn:aws:s3:::c/*, arn:aws:s3:::d/*",
        ),
        (
            [allow("s3:GetObject")],
            [allow("madeup:DoIt")],
            f"{ROLE} may madeup:DoIt on arn:aws:s3:::b/*",
        ),
    ],
)  # fmt: skip
def test_what_is_gained_is_said_with_its_resource_and_its_condition(before, after, expected):
    found = gained([role(), rights(*before)], [role(), rights(*after)])
    assert texts(found) == [expected]


def test_a_statement_that_moves_to_another_policy_of_the_role_is_no_change():
    one, two = allow("s3:GetObject"), allow("s3:PutObject")
    before = [role(), rights(one, two)]
    after = [role(), rights(one), rights(two, name="more")]
    assert gained(before, after) == ()
    assert lost(before, after) == ()


def test_a_denial_that_goes_is_high_and_said_as_such():
    (change,) = gained(
        [role(), rights(allow("s3:*"), deny("s3:DeleteObject"))],
        [role(), rights(allow("s3:*"))],
    )
    assert change.text == f"{ROLE}: s3:DeleteObject on * is denied no longer"
    assert change.severity == "high"


def test_a_denial_that_goes_with_what_it_protects_is_nothing_gained():
    bucket = resource("aws:s3/bucket:Bucket", "b", bucket="b")
    policy = resource(
        "aws:s3/bucketPolicy:BucketPolicy",
        "b-policy",
        bucket="b",
        policy=document(deny("s3:*", "arn:aws:s3:::b", Principal="*")),
    )
    assert gained([bucket, policy], []) == ()


def test_a_bucket_that_loses_its_policy_is_open_where_it_was_not():
    bucket = resource("aws:s3/bucket:Bucket", "b", bucket="b")
    bucket.outputs["bucket"] = "b"
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    policy = resource(
        "aws:s3/bucketPolicy:BucketPolicy",
        "b-policy",
        bucket="b",
        policy=document(
            deny("s3:GetObject", "arn:aws:s3:::b/*", Principal="*", Condition=insecure)
        ),
    )
    (change,) = gained([bucket, policy], [bucket])
    assert "everyone: s3:GetObject" in change.text
    assert "is denied no longer" in change.text


def test_a_boundary_that_widens_and_one_that_goes_are_high():
    narrow = resource(
        "aws:iam/policy:Policy", "limit", name="limit", policy=document(allow("s3:*"))
    )
    wide = resource(
        "aws:iam/policy:Policy", "limit", name="limit", policy=document(allow("*", "*"))
    )
    bound = role(permissionsBoundary="arn:aws:iam::111122223333:policy/limit")
    (wider,) = gained([bound, narrow], [bound, wide])
    assert wider.text.startswith("policy limit (111122223333) lets through")
    assert wider.severity == "high"
    (gone,) = gained([bound, narrow], [role(), narrow])
    assert gone.text == f"{ROLE} is limited by policy limit (111122223333) no longer"
    assert gone.severity == "high"


def test_a_new_boundary_or_endpoint_policy_gives_nothing():
    limit = resource(
        "aws:iam/policy:Policy", "limit", name="limit", policy=document(allow("*", "*"))
    )
    endpoint = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "e", serviceName="com.amazonaws.x.s3")
    assert gained([], [limit, endpoint]) == ()


def test_an_endpoint_that_loses_its_policy_lets_everything_through():
    limited = resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "e",
        serviceName="com.amazonaws.x.s3",
        policy=document(allow("s3:GetObject", Principal="*")),
    )
    opened = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "e", serviceName="com.amazonaws.x.s3")
    (change,) = gained([limited], [opened])
    assert change.severity == "high"


def test_a_guardrail_taken_off_an_account_is_high():
    guardrail = resource(
        "aws:organizations/policy:Policy", "g", content=document(deny("iam:CreateUser"))
    )
    attached = resource(
        "aws:organizations/policyAttachment:PolicyAttachment",
        "g-prod",
        policyId="<Policy g.id>",
        targetId="123456789012",
    )
    object.__setattr__(guardrail, "id", "<Policy g.id>")
    (change,) = gained([guardrail, attached], [guardrail])
    assert change.text == "account 123456789012: iam:CreateUser on * is denied no longer"
    assert change.severity == "high"


def test_many_actions_are_said_by_the_patterns_that_were_written():
    (change,) = gained([role()], [role(), rights(allow(["s3:Get*", "sqs:SendMessage"], "*"))])
    assert change.text.startswith(f"{ROLE} may s3:Get* (")
    assert change.text.endswith("actions), sqs:SendMessage on *")


def test_a_document_that_cannot_be_read_is_said_and_never_guessed():
    secret = resource("aws:iam/rolePolicy:RolePolicy", "s", role="app", policy=Secret("hunter2"))
    unknown = resource("aws:s3/bucketPolicy:BucketPolicy", "u", bucket="b", policy=UNKNOWN)
    broken = resource("aws:iam/rolePolicy:RolePolicy", "x", role="app", policy='{"Statement": 4}')
    found = changes(graph(role()), graph(role(), secret, unknown, broken))
    assert found.gained == ()
    assert found.not_understood == (
        "RolePolicy s: its policy document is secret",
        "BucketPolicy u: its policy document is known only once it is deployed",
        "RolePolicy x: no policy document: a statement is no object",
    )
    assert "hunter2" not in repr(found)


def test_a_stack_that_comes_gains_all_and_one_that_goes_loses_all():
    all_of_it = graph(role(), rights(allow("s3:GetObject")))
    new, gone = changes(None, all_of_it), changes(all_of_it, None)
    assert len(new.gained) == len(gone.lost) == 2
    assert new.lost == gone.gained == ()


def test_the_same_permissions_say_nothing_at_all():
    same = [role(), rights(allow("s3:*", "*"))]
    assert not changes(graph(*same), graph(*same))
