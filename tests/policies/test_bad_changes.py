"""What reviewers must not miss: each in a graph of the shipped catalog that has it."""

import pytest
from changed_graphs import changed, first, found, statement_changed, with_another

from catalog.load import find_root, load
from catalog.tenant import Placement
from policies.resource_types import TENANT_DATABASE
from rehearsal.evaluation import Evaluation
from rehearsal.values import UNKNOWN

CELL, TENANT, ORGANIZATION = "cell.prod-eu-west-1", "tenant.brightwater", "organization"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ROLE = "aws:iam/role:Role"
GRANT = "postgresql:index/grant:Grant"
DATABASE = "aws:rds/cluster:Cluster"


def setting(path, value):
    *way, last = path.split(".")

    def change(inputs):
        for step in way:
            inputs = inputs[int(step)] if step.isdigit() else inputs[step]
        inputs[int(last) if last.isdigit() else last] = value

    return change


def trust(**changes):
    return statement_changed("assumeRolePolicy", lambda statement: statement.update(changes))


def subject(text):
    def change(statement):
        equal = statement["Condition"]["StringEquals"]
        equal["token.actions.githubusercontent.com:sub"] = text

    return statement_changed("assumeRolePolicy", change)


CASES = [
    # rule, stack, type, part of the name, change
    ("nothing-is-granted-to-public", TENANT, GRANT, "public", setting("privileges", ["CONNECT"])),
    ("databases-are-protected", CELL, DATABASE, "", setting("deletionProtection", False)),
    ("storage-is-encrypted", CELL, DATABASE, "", setting("kmsKeyId", "alias/aws/rds")),
    ("backups-are-kept", CELL, DATABASE, "", setting("backupRetentionPeriod", 7)),
    ("nothing-is-open-to-the-world", CELL, INGRESS, "", setting("cidrIpv4", "0.0.0.0/0")),
    (
        "nothing-is-open-to-the-world",
        TENANT,
        "aws:ec2/managedPrefixList:ManagedPrefixList",
        "",
        setting("entries.0", {"cidr": "0.0.0.0/0", "description": "everybody"}),
    ),
    (
        "rights-are-named",
        TENANT,
        "aws:iam/rolePolicy:RolePolicy",
        "",
        statement_changed("policy", lambda statement: statement.update(Action=["*"])),
    ),
    (
        "rights-are-named",
        TENANT,
        "aws:iam/rolePolicy:RolePolicy",
        "",
        statement_changed("policy", lambda s: s.update(Action="s3:*", Resource="*")),
    ),
    (
        "policies-name-principals",
        TENANT,
        "aws:s3/bucketPolicy:BucketPolicy",
        "",
        statement_changed(
            "policy", lambda s: s.update(Effect="Allow", Principal="*", Condition={})
        ),
    ),
    (
        "policies-name-principals",
        ORGANIZATION,
        ROLE,
        "",
        trust(Principal={"AWS": ["*"]}, Condition={"StringEquals": {"aws:PrincipalArn": "*"}}),
    ),
    (
        "only-this-repositorys-jobs-are-trusted",
        ORGANIZATION,
        ROLE,
        "prod-deploy-role",
        subject("repo:mallory/platform:environment:prod"),
    ),
    (
        "only-this-repositorys-jobs-are-trusted",
        ORGANIZATION,
        ROLE,
        "dev-preview-role",
        subject("repo:halyard-integrations/platform:*"),
    ),
    (
        "deploy-roles-demand-their-environment",
        ORGANIZATION,
        ROLE,
        "prod-deploy-role",
        subject("repo:halyard-integrations/platform:ref:refs/heads/main"),
    ),
    (
        "deploy-roles-demand-their-environment",
        ORGANIZATION,
        ROLE,
        "dev-preview-role",
        subject("repo:halyard-integrations/platform:pull_request"),
    ),
    (
        "onlookers-only-look",
        CELL,
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "developer",
        setting("policyArn", "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"),
    ),
    (
        "services-reach-https-alone",
        TENANT,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "internet",
        setting("spec.egress.0.ports", [{"protocol": "TCP", "port": 25}]),
    ),
    (
        "only-poolers-reach-databases",
        TENANT,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "allow-pooler",
        setting("spec.podSelector", {}),
    ),
    (
        "clusters-authenticate-by-api",
        CELL,
        "aws:eks/cluster:Cluster",
        "",
        setting("accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
    ),
    (
        "cluster-endpoints-are-private",
        CELL,
        "aws:eks/cluster:Cluster",
        "",
        setting("vpcConfig.endpointPublicAccess", True),
    ),
    (
        "firewalls-take-the-same-list",
        TENANT,
        "aws:wafv2/ipSet:IpSet",
        "v4",
        setting("addresses", ["203.0.113.0/24"]),
    ),
    (
        "controllers-make-no-balancers",
        TENANT,
        "kubernetes:core/v1:Service",
        "",
        setting("spec.type", "LoadBalancer"),
    ),
]


@pytest.mark.parametrize(
    ("rule", "stack", "type", "name", "change"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_the_rule_finds_the_bad_change_and_nothing_before_it(
    graphs, rule, stack, type, name, change
):
    graph = graphs[stack]
    resource = first(graph, type, name)
    before = set(found(graph, rule))
    after = set(found(changed(graph, resource, change), rule)) - before
    assert after, f"{rule} does not see it"


def test_what_a_rule_cannot_know_it_lets_pass(graphs):
    graph = graphs[CELL]
    cluster = first(graph, DATABASE)
    unknown = changed(graph, cluster, setting("deletionProtection", UNKNOWN))
    assert found(unknown, "databases-are-protected") == []


def test_a_protection_that_is_taken_off_in_pulumi_is_found(graphs):
    graph = graphs[CELL]
    bare = changed(graph, first(graph, DATABASE), protect=False)
    assert found(bare, "databases-are-protected") == ["pool-a-cluster: the option protect is off"]
    assert found(bare, "what-holds-data-is-kept") == ["pool-a-cluster: the option protect is off"]


@pytest.fixture(scope="module", params=["prod-eu-west-1/pool-b", "prod-us-east-1/pool-a"])
def moving(request):
    """A tenant's stack while the tenant moves: to another database, and to another cell."""
    catalog = load(find_root())
    tenant = catalog.tenants["brightwater"]
    cell, _, database = request.param.partition("/")
    moved = tenant.model_copy(update={"placement": Placement(cell=cell, database=database)})
    tenants = {**catalog.tenants, tenant.name: moved}
    declared = catalog.model_copy(update={"tenants": tenants})
    return Evaluation(declared, {tenant.name: tenant.placement}).evaluate(TENANT)


def test_what_a_moving_tenant_leaves_may_lose_its_protection_and_nothing_else_may(moving):
    rule = "what-holds-data-is-kept"
    assert found(moving, rule) == []
    kept = [each for each in moving.of_type(TENANT_DATABASE) if each.protect]
    bare = changed(moving, kept[0], protect=False)
    assert f"{kept[0].name}: the option protect is off" in found(bare, rule)
    for bucket in moving.of_type("aws:s3/bucket:Bucket"):
        if bucket.protect:
            bare = changed(moving, bucket, protect=False)
            assert found(bare, rule) == [f"{bucket.name}: the option protect is off"]
        dropped = changed(moving, bucket, retain_on_delete=False)
        assert f"{bucket.name}: the option retain_on_delete is off" in found(dropped, rule)


def test_network_rights_on_the_nodes_role_are_found(graphs):
    graph = graphs[CELL]
    nodes = first(graph, ROLE, "services-karpenter-foundation-nodes-role")
    bad = with_another(
        graph,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "nodes-network",
        {"policyArn": "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy", "role": nodes.id},
    )
    assert found(graph, "nodes-have-no-network-rights") == []
    assert found(bad, "nodes-have-no-network-rights") == [
        f'nodes-network: role is "{nodes.id}", which nodes take'
    ]


def test_two_workloads_that_share_a_role_are_found(graphs):
    graph = graphs[TENANT]
    one, other, *_ = graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    shared = changed(graph, other, setting("roleArn", one.inputs["roleArn"]))
    assert len(found(shared, "workloads-have-roles-of-their-own")) == 1


def test_a_user_and_an_old_config_map_and_an_ingress_are_found(graphs):
    graph = graphs[CELL]
    user = with_another(graph, "aws:iam/user:User", "mallory", {"name": "mallory"})
    assert found(user, "there-are-no-iam-users") == ["mallory: it is a User of IAM"]
    metadata = {"metadata": {"name": "aws-auth", "namespace": "kube-system"}}
    old = with_another(graph, "kubernetes:core/v1:ConfigMap", "old", metadata)
    assert len(found(old, "clusters-authenticate-by-api")) == 1
    ingress = with_another(graph, "kubernetes:networking.k8s.io/v1:Ingress", "front", {})
    assert found(ingress, "controllers-make-no-balancers") == ["front: it is an Ingress"]
