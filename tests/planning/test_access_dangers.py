"""Permissions that a reviewer must not miss: wildcards, strangers' trust, PUBLIC, nodes."""

import pytest
from access_graphs import (
    allow,
    document,
    gained,
    graph,
    resource,
    rights,
    role,
    texts,
    trusting,
)

from planning.access.compare import changes
from rehearsal.graph import Resource

TOKENS = "token.actions.githubusercontent.com"
ISSUER = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{TOKENS}"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (allow("*", "*"), "it allows whole services: *"),
        (allow("s3:*", "*"), "it allows whole services: s3:*"),
        (allow("s3:DeleteBucket", "*"), "it changes things of any name"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "every action but those"),
        ({"Effect": "Allow", "Action": "s3:PutObject", "NotResource": "a"}, "things of any name"),
    ],
)
def test_a_wildcard_is_high(statement, why):
    (change,) = gained([role()], [role(), rights(statement)])
    assert change.severity == "high"
    assert why in " ".join(change.why)


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:PutObject"),
        allow("ec2:DescribeInstances", "*"),
        allow("cloudwatch:PutMetricData", "*"),
    ],
)
def test_reading_and_what_no_resource_can_limit_are_not_high(statement):
    (change,) = gained([role()], [role(), rights(statement)])
    assert change.severity == "low"
    assert change.why == ()


def github(repository="platform", owner="halyard"):
    return [
        resource("github:index/repository:Repository", "repository", name=repository),
        Resource(
            urn="urn:pulumi:cell.x::patchworks::pulumi:providers:github::github",
            type="pulumi:providers:github",
            name="github",
            custom=True,
            inputs={"owner": owner},
        ),
    ]


def subject(value, operator="StringEquals"):
    return {operator: {f"{TOKENS}:sub": value, f"{TOKENS}:aud": "sts.amazonaws.com"}}


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (subject("repo:stranger/platform:ref:refs/heads/main"), "another repository"),
        (subject("repo:halyard/platform-evil:environment:prod"), "another repository"),
        (subject("repo:halyard/*:environment:prod", "StringLike"), "other repositories"),
        (subject("*", "StringLike"), "other repositories"),
        ({"StringEquals": {f"{TOKENS}:aud": "sts.amazonaws.com"}}, "no subject is required"),
        (subject("repo:a/b:pull_request", "StringNotEquals"), "no subject is required"),
    ],
)
def test_trust_in_another_repository_is_high(condition, why):
    before = [*github(), trusting(Principal=ISSUER, Condition=subject("repo:halyard/platform:x"))]
    after = [*github(), trusting(Principal=ISSUER, Condition=condition)]
    (change,) = gained(before, after)
    assert change.severity == "high"
    assert why in " ".join(change.why)


def test_trust_in_our_own_repository_is_said_and_is_not_high():
    after = trusting(Principal=ISSUER, Condition=subject("repo:halyard/platform:environment:prod"))
    (change,) = gained(github(), [*github(), after])
    assert change.severity == "medium"
    assert "may take role ci (111122223333) (sts:AssumeRoleWithWebIdentity)" in change.text
    assert "repo:halyard/platform:environment:prod" in change.text


def test_trust_in_a_repository_is_high_where_the_stack_declares_none_of_its_own():
    after = trusting(Principal=ISSUER, Condition=subject("repo:halyard/platform:environment:prod"))
    (change,) = gained([], [after])
    assert change.severity == "high"


def test_trust_in_anyone_is_high():
    (change,) = gained([], [role("ci", assumeRolePolicy=document(
        {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))])  # fmt: skip
    assert change.severity == "high"
    assert change.text == "everyone may take role ci (111122223333) (sts:AssumeRole)"


def test_a_resource_that_lets_in_everyone_is_high_and_with_a_condition_it_is_not():
    def queue(**more):
        statement = allow("sqs:SendMessage", "*", Principal={"AWS": "*"}, **more)
        return resource("aws:sqs/queuePolicy:QueuePolicy", "q", policy=document(statement))

    (change,) = gained([], [queue()])
    assert (change.severity, change.text) == ("high", "everyone may sqs:SendMessage on Queue q")
    (change,) = gained([], [queue(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})])
    assert change.severity == "low"


def attached(policy, to):
    return resource(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        policy,
        role=to,
        policyArn=f"arn:aws:iam::aws:policy/{policy}",
    )


def test_network_rights_for_the_nodes_role_are_high_and_for_a_pods_role_they_are_not():
    node, pod = role("nodes", "ec2.amazonaws.com"), role("pods")
    (change,) = gained([node], [node, attached("AmazonEKS_CNI_Policy", "nodes")])
    assert (change.severity, change.level) == ("high", "Write")
    assert "every pod on a node can take this role" in change.why[0]
    (change,) = gained([pod], [pod, attached("AmazonEKS_CNI_Policy", "pods")])
    assert (change.severity, change.level) == ("low", "Write")


def test_what_every_node_needs_is_not_high():
    node = role("nodes", "ec2.amazonaws.com")
    found = gained([node], [node, attached("AmazonEKSWorkerNodeMinimalPolicy", "nodes")])
    assert [each.severity for each in found] == ["low"]


def test_administrator_access_is_high_and_a_policy_nobody_knows_is_said_to_be_unknown():
    (change,) = gained([role()], [role(), attached("AdministratorAccess", "app")])
    assert (change.severity, change.level) == ("high", "Permissions management")
    (change,) = gained([role()], [role(), attached("MadeUpYesterday", "app")])
    assert (change.severity, change.level) == ("medium", "Unknown")
    assert "not known here" in change.why[0]


def grant(to, privileges, kind="table", **more):
    return resource(
        "postgresql:index/grant:Grant",
        f"{to}-{kind}",
        database="acme",
        schema="public",
        objectType=kind,
        role=to,
        privileges=privileges,
        **more,
    )


def test_a_grant_to_public_is_high_and_taking_everything_from_public_is_none():
    (change,) = gained([], [grant("public", ["SELECT"])])
    assert change.severity == "high"
    assert change.text == (
        "PostgreSQL's PUBLIC may SELECT on tables in schema public of database acme"
    )
    assert gained([], [grant("public", [])]) == ()


def test_a_database_that_nobody_closed_to_public_is_open():
    database = resource("postgresql:index/database:Database", "d", name="acme", owner="acme")
    closed = grant("PUBLIC", [], "database")
    assert "PostgreSQL's PUBLIC may CONNECT, TEMPORARY on database acme" in texts(
        gained([database, closed], [database])
    )
    assert len(gained([], [database, closed])) == 1


def test_a_grant_that_may_be_passed_on_manages_permissions():
    (change,) = gained([grant("app", ["SELECT"])], [grant("app", ["SELECT"], withGrantOption=True)])
    assert change.level == "Permissions management"


def test_a_role_that_passes_row_security_is_high():
    def database_role(**more):
        return resource("postgresql:index/role:Role", "r", name="app", **more)

    (change,) = gained([database_role()], [database_role(bypassRowLevelSecurity=True)])
    assert change.severity == "high"
    assert change.text == "PostgreSQL role app may bypass row security on its server"


def rules(*given, kind="Role", name="view"):
    return resource(
        f"kubernetes:rbac.authorization.k8s.io/v1:{kind}",
        f"{name}-{kind}",
        metadata={"name": name, "namespace": "acme"},
        rules=list(given),
    )


def binding(form="RoleBinding", to="Role", called="view", /, **subject):
    return resource(
        f"kubernetes:rbac.authorization.k8s.io/v1:{form}",
        "binding",
        metadata={"name": "b", "namespace": "acme"},
        roleRef={"kind": to, "name": called},
        subjects=[subject or {"kind": "Group", "name": "support"}],
    )


PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


def test_a_rule_more_in_a_bound_role_is_gained_by_its_subjects():
    more = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "delete"]}
    (change,) = gained([rules(PODS), binding()], [rules(PODS, more), binding()])
    assert change.text == ("group support may delete, get on deployments.apps in namespace acme")
    assert (change.level, change.severity) == ("Write", "low")


def test_a_role_that_nobody_is_bound_to_gives_nothing():
    assert gained([], [rules(PODS)]) == ()


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, "high"),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}, "medium"),
        ({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}, "high"),
        (
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["rolebindings"],
                "verbs": ["create"],
            },
            "high",
        ),
    ],
)
def test_rules_that_reach_secrets_or_other_rights_stand_out(rule, severity):
    (change,) = gained([binding()], [binding(), rules(rule)])[:1]
    assert change.severity == severity
    assert change.why


def test_a_binding_to_anybody_or_to_the_clusters_own_administrator_is_high():
    for subject in ({"kind": "Group", "name": "system:unauthenticated"}, {}):
        bound = binding("ClusterRoleBinding", "ClusterRole", "cluster-admin", **subject)
        (change,) = gained([], [bound])
        assert change.severity == "high"


def association(policy, **scope):
    return resource(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "duty",
        clusterName="c",
        principalArn="arn:aws:iam::111122223333:role/dev",
        policyArn=f"arn:aws:eks::aws:cluster-access-policy/{policy}",
        accessScope=scope or {"type": "cluster"},
    )


def test_an_access_entry_that_becomes_an_administrators_is_high():
    before, after = association("AmazonEKSViewPolicy"), association("AmazonEKSClusterAdminPolicy")
    (change,) = gained([before], [after])
    assert change.text == (
        "role dev (111122223333) may do everything of AmazonEKSClusterAdminPolicy on cluster c"
    )
    assert change.severity == "high"


def test_an_access_entry_that_leaves_its_namespace_is_gained():
    before = association("AmazonEKSViewPolicy", type="namespace", namespaces=["a"])
    (change,) = gained([before], [association("AmazonEKSViewPolicy")])
    assert change.text.endswith("on cluster c")


def test_a_pod_that_takes_a_role_is_said_with_its_service_account():
    pod = resource(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "p",
        clusterName="c",
        namespace="acme",
        serviceAccount="gateway",
        roleArn="arn:aws:iam::111122223333:role/app",
    )
    (change,) = gained([role()], [role(), pod])
    assert change.text == (
        "service account acme/gateway may take role app (111122223333) through Pod Identity "
        "in cluster c"
    )


def test_what_is_lost_is_never_high():
    before = graph(role(), rights(allow("*", "*")))
    assert {each.severity for each in changes(before, graph(role())).lost} == {"low"}
