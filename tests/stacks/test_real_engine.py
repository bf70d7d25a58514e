"""What Pulumi's engine and AWS refuse, or do unasked, though a graph can be made of it."""

import json

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement, Served
from rehearsal.evaluation import Evaluation
from rehearsal.graph import PROVIDER_PREFIX
from rehearsal.providers import provider_settings
from rehearsal.values import reveal
from stacks.programs import stack_names

CELL = "cell.prod-eu-west-1"


@pytest.fixture(scope="module")
def catalog():
    return load(find_root())


@pytest.fixture(scope="module")
def graphs(catalog):
    evaluation = Evaluation(catalog)
    return {stack: evaluation.evaluate(stack) for stack in stack_names(catalog)}


@pytest.fixture(scope="module")
def cell(graphs):
    return graphs[CELL]


def named(graph, name, suffix=""):
    """The one resource of a name, where components share theirs with what they are made of."""
    (found,) = [
        resource
        for resource in graph.resources.values()
        if resource.name == name and resource.type.endswith(suffix) and resource.custom
    ]
    return found


def needs(graph, urn):
    """All that a resource waits for, and that therefore outlives it, as the engine sees it."""
    found, waiting = set(), [urn]
    while waiting:
        resource = graph.resources[waiting.pop()]
        direct = {resource.parent, resource.provider, *resource.dependencies}
        for urns in resource.property_dependencies.values():
            direct.update(urns)
        for needed in direct - found - {None}:
            if needed in graph.resources:
                found.add(needed)
                waiting.append(needed)
                if graph.resources[needed].remote:
                    # What waits for a remote component waits for what its provider makes of it.
                    waiting += descendants(graph, needed)
                    found.update(descendants(graph, needed))
    return found


def descendants(graph, urn):
    children = [child.urn for child in graph.resources.values() if child.parent == urn]
    return children + [below for child in children for below in descendants(graph, child)]


MOVES = [
    ("brightwater", Placement(cell="prod-us-east-1", database="pool-a")),
    ("brightwater", Placement(cell="prod-eu-west-1", database="pool-b")),
    ("aurelia-health", Placement(cell="prod-eu-west-1", database="pool-a")),
]


def declared_at(catalog, tenant, place):
    """The catalog with a tenant declared elsewhere."""
    elsewhere = catalog.tenants[tenant].model_copy(update={"placement": place})
    return catalog.model_copy(update={"tenants": catalog.tenants | {tenant: elsewhere}})


def stages(catalog, tenant, old):
    """The graphs of a tenant before its move, after the merge, after the cutover, at the end."""
    stack = f"tenant.{tenant}"
    new = catalog.tenants[tenant].placement
    swapped = Served(**new.model_dump(), keeps=old)
    return (
        Evaluation(declared_at(catalog, tenant, old), {}).evaluate(stack),
        Evaluation(catalog, {tenant: old}).evaluate(stack),
        Evaluation(catalog, {tenant: swapped}).evaluate(stack),
        Evaluation(catalog, {}).evaluate(stack),
    )


def protected(graph):
    return {urn for urn, resource in graph.resources.items() if resource.protect}


@pytest.mark.parametrize(("tenant", "serving"), MOVES)
def test_what_serves_is_protected_until_another_side_does(catalog, tenant, serving):
    before, moving, settled, moved = stages(catalog, tenant, serving)
    assert protected(before)
    assert protected(moving) == protected(before)
    assert protected(settled) == protected(moved)
    assert protected(moved) != protected(before)


@pytest.mark.parametrize(("tenant", "serving"), MOVES)
def test_what_a_move_leaves_or_gives_up_is_such_that_the_engine_lets_go(catalog, tenant, serving):
    before, moving, settled, moved = stages(catalog, tenant, serving)
    for last, then in ((moving, before), (settled, moved)):
        left = [last.resources[urn] for urn in last.resources.keys() - then.resources.keys()]
        assert [resource.type for resource in left if resource.retain_on_delete]
        assert [resource.urn for resource in left if resource.protect] == []
        assert [r.urn for r in left if r.inputs.get("enableDeletionProtection")] == []


def test_a_dedicated_cluster_that_is_left_stays_with_what_aws_would_not_delete(catalog):
    serving = catalog.tenants["aurelia-health"].placement
    pool = Placement(cell=serving.cell, database="pool-a")
    elsewhere = declared_at(catalog, "aurelia-health", pool)
    _, _, settled, moved = stages(elsewhere, "aurelia-health", serving)
    left = [settled.resources[urn] for urn in settled.resources.keys() - moved.resources.keys()]
    assert not any(resource.protect for resource in left)
    kept = {resource.short_type for resource in left if resource.retain_on_delete}
    assert {"Cluster", "ClusterParameterGroup", "SubnetGroup", "Database", "Role"} <= kept


def test_what_closes_data_stays_as_long_as_the_data(graphs):
    for graph in graphs.values():
        for resource in graph.resources.values():
            closes = resource.type.startswith("aws:s3/bucket") or resource.short_type in (
                "SecretPolicy",
                "SecretVersion",
                "VaultLockConfiguration",
            )
            if closes:
                assert resource.retain_on_delete, resource.urn


def test_every_resource_has_a_provider_of_its_own_package(graphs):
    for graph in graphs.values():
        for resource in graph.resources.values():
            package = resource.type.partition(":")[0]
            if (resource.custom or resource.remote) and package != "pulumi":
                provider = graph.resources[resource.provider]
                assert provider.type == f"{PROVIDER_PREFIX}{package}", resource.urn


@pytest.fixture(scope="module")
def clusters(graphs):
    """Settings of every provider of a cluster but pulumi-eks' own, through which nothing goes."""
    return [
        provider_settings(resource.type, resource.inputs)
        for graph in graphs.values()
        for resource in graph.of_type(f"{PROVIDER_PREFIX}kubernetes")
        if not resource.name.endswith("-eks-k8s")
    ]


def test_a_changed_kubeconfig_is_not_taken_for_another_cluster(clusters):
    assert clusters
    assert all(settings["clusterIdentifier"] for settings in clusters)


def test_a_changed_secret_or_config_map_stays_where_its_pods_find_it(clusters):
    for settings in clusters:
        assert settings["enableSecretMutable"] in (True, "true")
        assert settings["enableConfigMapMutable"] in (True, "true")


POLICIES = {
    "aws:kms/key:Key": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:ecr/registryPolicy:RegistryPolicy": "policy",
}


def principals(document):
    for statement in json.loads(document)["Statement"]:
        stated = statement["Principal"]
        values = stated.get("AWS", ()) if isinstance(stated, dict) else stated
        for value in [values] if isinstance(values, str) else values:
            yield value, statement


def test_no_policy_names_a_role_that_may_not_exist_yet(graphs):
    """AWS refuses such a policy, and what it stands for is lost when the role is made anew."""
    seen = 0
    for graph in graphs.values():
        for resource in graph.resources.values():
            if resource.type in POLICIES:
                for principal, _ in principals(reveal(resource.inputs[POLICIES[resource.type]])):
                    seen += 1
                    assert principal == "*" or principal.endswith(":root"), resource.urn
    assert seen


def test_whoever_is_let_in_by_a_wildcard_is_named_by_a_condition(graphs):
    for graph in graphs.values():
        for resource in graph.resources.values():
            if resource.type in POLICIES:
                for principal, statement in principals(
                    reveal(resource.inputs[POLICIES[resource.type]])
                ):
                    if principal == "*" and statement["Effect"] == "Allow":
                        conditions = statement["Condition"]
                        assert conditions["StringEquals"]["kms:CallerAccount"]
                        assert "*" not in conditions["ArnEquals"]["aws:PrincipalArn"]


def test_nodes_leave_before_the_network_they_leave_by(cell):
    ways_out = {
        resource.urn
        for kind in ("route:Route", "natGateway:NatGateway", "vpcEndpoint:VpcEndpoint")
        for resource in cell.of_type(f"aws:ec2/{kind.split(':')[0]}:{kind.split(':')[1]}")
    }
    pools = cell.of_type("kubernetes:karpenter.sh/v1:NodePool")
    groups = cell.of_type("aws:eks/nodeGroup:NodeGroup")
    assert ways_out
    assert pools
    for resource in (*pools, *groups):
        assert ways_out <= needs(cell, resource.urn), resource.urn


def test_a_database_is_prepared_once_there_is_a_node_and_an_instance_for_it(cell):
    pools = {pool.urn for pool in cell.of_type("kubernetes:karpenter.sh/v1:NodePool")}
    for database in ("pool-a", "pool-b"):
        job = named(cell, f"services-{database}-bootstrap-job")
        needed = needs(cell, job.urn)
        assert pools <= needed
        assert named(cell, f"{database}-instance-0").urn in needed


def test_updates_reach_the_databases_they_declare_tenants_in(graphs, cell):
    runners = named(cell, "runners-security-group").id
    rules = [named(cell, f"{name}-access-from-runners") for name in ("pool-a", "pool-b")]
    rules.append(
        named(
            graphs["tenant.aurelia-health"],
            "aurelia-health-prod-eu-west-1-dedicated-cluster-access-from-runners",
        )
    )
    for rule in rules:
        assert rule.inputs["referencedSecurityGroupId"] == runners
        assert rule.inputs["fromPort"] == rule.inputs["toPort"] == 5432


def test_the_step_that_a_person_must_allow_comes_after_all_that_runs(cell):
    needed = needs(cell, named(cell, "runners-webhook").urn)
    for resource in cell.resources.values():
        if resource.type.startswith(("kubernetes:", "aws:rds/", "aws:eks/")):
            assert resource.urn in needed, resource.urn


def test_a_topic_is_told_of_only_with_its_policy(graphs):
    subscriptions = [
        (graph, resource)
        for graph in graphs.values()
        for resource in graph.of_type("aws:rds/eventSubscription:EventSubscription")
    ]
    assert subscriptions
    for graph, subscription in subscriptions:
        policies = {policy.urn for policy in graph.of_type("aws:sns/topicPolicy:TopicPolicy")}
        assert policies <= needs(graph, subscription.urn)


ONE_OF_A_KIND = (
    "aws:backup/selection:Selection",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2clientvpn/authorizationRule:AuthorizationRule",
    "aws:rds/clusterInstance:ClusterInstance",
)
"""A second one of the same name or kind is refused, so that the first must go before."""


@pytest.mark.parametrize("kind", ONE_OF_A_KIND)
def test_what_aws_takes_only_one_of_is_deleted_before_it_is_replaced(cell, kind):
    resources = cell.of_type(kind)
    assert resources
    assert all(resource.delete_before_replace for resource in resources)


LIMITS = {
    ("aws:iam/policy:Policy", "policy"): 6_144,
    ("aws:iam/role:Role", "assumeRolePolicy"): 2_048,
    ("aws:iam/rolePolicy:RolePolicy", "policy"): 10_240,
    ("aws:kms/key:Key", "policy"): 32_768,
    ("aws:organizations/policy:Policy", "content"): 5_120,
    ("aws:s3/bucketPolicy:BucketPolicy", "policy"): 20_480,
    ("aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy", "inlinePolicy"): 10_240,
}
"""Characters that AWS takes of each kind of policy."""


def test_every_policy_fits_into_what_aws_takes(graphs):
    for graph in graphs.values():
        for (kind, key), limit in LIMITS.items():
            for resource in graph.of_type(kind):
                assert len(reveal(resource.inputs[key])) <= limit, resource.urn
