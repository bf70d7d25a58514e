"""What holds for every resource of every stack, walked without exception."""

import json

import pytest
from settings_platform import (
    ancestors,
    awaited,
    documents,
    encrypted_by_own_key,
    listed,
    refers_to,
)

from rehearsal.values import reveal

BOUNDARIES = "aws:iam/policy:Policy"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
WITHOUT_PROVIDER = ("pulumi:pulumi:", "pulumi:providers:")

DATA = {
    "aws:backup/vault:Vault",
    "aws:dynamodb/table:Table",
    "aws:kms/key:Key",
    "aws:rds/cluster:Cluster",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "postgresql:index/database:Database",
}
"""What holds data, or what data cannot be read without."""

ENCRYPTED = {
    "aws:backup/vault:Vault": "kmsKeyArn",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:codebuild/project:Project": "encryptionKey",
    "aws:dynamodb/table:Table": "serverSideEncryption.kmsKeyArn",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "serverSideEncryption.keyArn",
    "aws:rds/cluster:Cluster": "kmsKeyId",
    "aws:rds/clusterInstance:ClusterInstance": "performanceInsightsKmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:sqs/queue:Queue": "kmsMasterKeyId",
}
"""By type, the input that names the key."""

LOG_BUCKETS = {"archive-access-logs-bucket", "load-balancer-logs-bucket"}
"""Buckets that AWS' own log delivery cannot write to under a key of ours."""


def resources(platform, type=None):
    for graph in platform.graphs.values():
        for resource in graph.resources.values():
            if type in (None, resource.type):
                yield graph, resource


def statements(platform):
    for graph in platform.graphs.values():
        for resource, key, document in documents(graph):
            for statement in document["Statement"]:
                yield graph, resource, key, statement


def principals(statement):
    principal = statement.get("Principal", {})
    if isinstance(principal, str):
        return [principal]
    return [each for value in principal.values() for each in listed(value)]


def allows(statement, *actions):
    return statement["Effect"] == "Allow" and set(actions) & set(listed(statement.get("Action")))


def test_the_walk_sees_policies_of_every_kind(platform):
    kinds = {resource.type for _, resource, _, _ in statements(platform)}
    assert kinds >= {
        "aws:ecr/registryPolicy:RegistryPolicy",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:kms/key:Key",
        "aws:organizations/policy:Policy",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
        "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
    }


def test_nobody_unknown_is_allowed_anything_without_a_condition(platform):
    offenders = [
        (resource.urn, statement)
        for _, resource, _, statement in statements(platform)
        if statement["Effect"] == "Allow"
        and "*" in principals(statement)
        and not statement.get("Condition")
    ]
    assert offenders == []


def test_no_statement_allows_every_action(platform):
    offenders = [
        (resource.urn, statement)
        for _, resource, _, statement in statements(platform)
        if allows(statement, "*", "*:*") and resource.type != ENDPOINT
    ]
    assert offenders == []


def test_endpoints_pass_on_only_what_our_own_account_does(platform):
    """An endpoint's policy grants nothing: it says whose rights may be used through it."""
    for graph, resource, _, statement in statements(platform):
        if resource.type == ENDPOINT and statement["Effect"] == "Allow":
            owner = statement["Condition"]["StringEquals"]["aws:PrincipalAccount"]
            vpc = refers_to(graph, owner, "aws:ec2/vpc:Vpc")
            assert owner == vpc.outputs["ownerId"], resource.urn


def test_only_boundaries_allow_all_but_something(platform):
    offenders = [
        (resource.urn, statement)
        for _, resource, _, statement in statements(platform)
        if statement["Effect"] == "Allow"
        and "NotAction" in statement
        and resource.type != BOUNDARIES
    ]
    assert offenders == []


def test_no_statement_lets_every_role_be_passed(platform):
    passing = [
        (resource, statement)
        for _, resource, _, statement in statements(platform)
        if allows(statement, "iam:*", "iam:Pass*", "iam:PassRole")
    ]
    assert passing
    for resource, statement in passing:
        assert "*" not in listed(statement["Resource"]), resource.urn


def test_every_statement_says_what_it_is_for(platform):
    for _, resource, key, statement in statements(platform):
        assert statement.get("Sid"), f"{resource.urn}: {key}: {json.dumps(statement)}"


def test_service_principals_act_for_our_account_or_say_why_they_cannot(platform):
    """A service that acts for anybody who asks is a confused deputy."""
    # EventBridge states no source when it publishes; EC2 assumes what an instance profile has.
    exempt = {"events.amazonaws.com", "ec2.amazonaws.com"}
    for _, resource, _, statement in statements(platform):
        services = (
            listed((statement.get("Principal") or {}).get("Service"))
            if isinstance(statement.get("Principal"), dict)
            else []
        )
        if statement["Effect"] == "Allow" and set(services) - exempt:
            assert statement.get("Condition"), f"{resource.urn}: {statement['Sid']}"


def test_nothing_comes_in_from_everywhere(platform):
    walked = 0
    for _, rule in resources(platform, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        walked += 1
        given = {rule.inputs.get("cidrIpv4"), rule.inputs.get("cidrIpv6")}
        assert not given & {"0.0.0.0/0", "::/0"}, rule.urn
    assert walked > 100


def test_a_prefix_list_names_the_world_only_with_a_reason_for_the_public(platform):
    public = 0
    for _, each in resources(platform, "aws:ec2/managedPrefixList:ManagedPrefixList"):
        for entry in each.inputs["entries"]:
            if entry["cidr"] in {"0.0.0.0/0", "::/0"}:
                public += 1
                assert "(public: " in entry["description"], each.urn
    assert public, "the shipped catalog has a public tenant, which keeps this walk honest"


def test_rules_of_security_groups_stand_on_their_own_with_a_description(platform):
    for _, resource in resources(platform):
        if resource.type == "aws:ec2/securityGroup:SecurityGroup":
            assert not resource.inputs.get("ingress"), resource.urn
            assert not resource.inputs.get("egress"), resource.urn
        if resource.type.startswith("aws:vpc/securityGroup"):
            assert resource.inputs["description"], resource.urn
        assert resource.type != "aws:ec2/securityGroupRule:SecurityGroupRule", resource.urn


def test_every_resource_has_an_explicit_provider(platform):
    for graph, resource in resources(platform):
        if not resource.custom or resource.type.startswith(WITHOUT_PROVIDER):
            continue
        assert resource.provider in graph.resources, f"{resource.urn}: {resource.provider}"
        assert "::default" not in resource.provider, resource.urn


def test_every_aws_provider_may_touch_one_account_only(platform):
    for _, provider in resources(platform, "pulumi:providers:aws"):
        assert len(json.loads(provider.inputs["allowedAccountIds"])) == 1, provider.urn


def test_what_holds_data_is_protected_and_outlives_its_stack(platform):
    seen = set()
    for _, resource in resources(platform):
        if resource.type in DATA:
            seen.add(resource.type)
            assert resource.protect, resource.urn
            assert resource.retain_on_delete, resource.urn
    assert seen == DATA


@pytest.mark.parametrize("type", sorted(ENCRYPTED))
def test_what_holds_data_is_encrypted_with_a_key_of_its_own_stack(platform, type):
    walked = 0
    for graph, resource in resources(platform, type):
        walked += 1
        value = resource.inputs
        for part in ENCRYPTED[type].split("."):
            value = reveal(value or {}).get(part)
        encrypted_by_own_key(graph, resource, ENCRYPTED[type], value)
    assert walked


def test_buckets_are_encrypted_with_a_key_of_their_own_stack(platform):
    configuration = (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )
    for graph, resource in resources(platform, configuration):
        (rule,) = resource.inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        if default["sseAlgorithm"] == "AES256":
            bucket = refers_to(graph, resource.inputs["bucket"], "aws:s3/bucket:Bucket")
            assert bucket.name in LOG_BUCKETS, resource.urn
            continue
        encrypted_by_own_key(graph, resource, "kmsMasterKeyId", default["kmsMasterKeyId"])
    buckets = sum(1 for _ in resources(platform, "aws:s3/bucket:Bucket"))
    assert buckets == sum(1 for _ in resources(platform, configuration))


def test_keys_rotate(platform):
    for _, key in resources(platform, "aws:kms/key:Key"):
        assert key.inputs["enableKeyRotation"] is True, key.urn


def test_what_waits_for_something_makes_its_parts_wait_too(platform):
    """Pulumi hands a component's `depends_on` to none of its children."""
    walked = set()
    for graph, component in resources(platform):
        if component.custom or component.remote or not component.dependencies:
            continue
        walked.add(component.type)
        for resource in graph.resources.values():
            if resource.custom and component in ancestors(graph, resource):
                wanted = {urn for urn in component.dependencies if graph.resources[urn].custom}
                missing = wanted - awaited(graph, resource.urn)
                assert not missing, f"{resource.urn} does not wait for {sorted(missing)}"
    assert "patchworks:tenant:PreparedDatabase" in walked
    assert "patchworks:postgresql:TenantDatabase" in walked


def test_programs_warn_of_nothing(platform):
    for graph in platform.graphs.values():
        assert graph.warnings == (), graph.stack
