"""Which changes replace a resource: from schemas, with the differences that providers make."""

from typing import Any

import pytest

from planning.cloudformation import type_of
from planning.replacement.aws import property_of, verdict
from planning.replacement.aws_differences import PROVIDERS_OWN
from planning.replacement.forces import keeps_its_name
from planning.replacement.forces import verdict as any_verdict

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CONTAINER = "spec.template.spec.containers[name=a]"
MUTABLE = {"enableConfigMapMutable": True, "enableSecretMutable": True}


@pytest.mark.parametrize(
    ("pulumi", "cloudformation"),
    [
        ("aws:rds/cluster:Cluster", "AWS::RDS::DBCluster"),
        ("aws:rds/subnetGroup:SubnetGroup", "AWS::RDS::DBSubnetGroup"),
        ("aws:ec2/vpc:Vpc", "AWS::EC2::VPC"),
        ("aws:s3/bucket:Bucket", "AWS::S3::Bucket"),
        ("aws:backup/vault:Vault", "AWS::Backup::BackupVault"),
        ("aws:lb/targetGroup:TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup"),
        ("aws:cloudwatch/logGroup:LogGroup", "AWS::Logs::LogGroup"),
        ("kubernetes:core/v1:Secret", None),
        ("aws:s3/bucketVersioning:BucketVersioning", None),
    ],
)
def test_a_pulumi_type_has_its_name_in_cloudformation(
    pulumi: str, cloudformation: str | None
) -> None:
    assert type_of(pulumi) == cloudformation


@pytest.mark.parametrize(
    ("type", "name", "found"),
    [
        ("aws:rds/cluster:Cluster", "clusterIdentifier", "DBClusterIdentifier"),
        ("aws:iam/rolePolicy:RolePolicy", "policy", "PolicyDocument"),
        ("aws:iam/rolePolicy:RolePolicy", "name", "PolicyName"),
        ("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "name", "FilterName"),
        ("aws:s3/bucket:Bucket", "bucket", "BucketName"),
        ("aws:ec2/flowLog:FlowLog", "vpcId", "ResourceId"),
        ("aws:s3/bucket:Bucket", "nonsense", None),
    ],
)
def test_a_property_has_its_name_in_cloudformation(type: str, name: str, found: str | None) -> None:
    assert property_of(type, name) == found


@pytest.mark.parametrize(
    ("type", "path", "answer"),
    [
        ("aws:rds/cluster:Cluster", "kmsKeyId", "replaces"),
        ("aws:rds/cluster:Cluster", "engineVersion", "in place"),
        ("aws:rds/cluster:Cluster", "backupRetentionPeriod", "in place"),
        ("aws:rds/cluster:Cluster", "skipFinalSnapshot", "in place"),
        ("aws:eks/cluster:Cluster", "accessConfig.authenticationMode", "in place"),
        (
            "aws:eks/cluster:Cluster",
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "replaces",
        ),
        ("aws:eks/cluster:Cluster", "encryptionConfig.provider.keyArn", "replaces"),
        ("aws:eks/nodeGroup:NodeGroup", "launchTemplate.version", "in place"),
        ("aws:eks/nodeGroup:NodeGroup", "launchTemplate.id", "replaces"),
        ("aws:s3/bucket:Bucket", "objectLockEnabled", "replaces"),
        ("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status", "in place"),
        ("aws:s3/bucketVersioning:BucketVersioning", "bucket", "replaces"),
        (RULE, "cidrIpv4", "in place"),
        (
            RULE,
            "securityGroupId",
            "replaces",
        ),
        ("aws:guardduty/detector:Detector", "region", "replaces"),
        ("aws:accessanalyzer/analyzer:Analyzer", "configuration.unusedAccess", "unknown"),
        ("aws:not/real:Real", "name", "unknown"),
        ("kubernetes:apps/v1:Deployment", "spec.selector.matchLabels.app", "replaces"),
        (
            "kubernetes:apps/v1:Deployment",
            f"{CONTAINER}.image",
            "in place",
        ),
        ("kubernetes:core/v1:Service", "metadata.namespace", "replaces"),
        ("kubernetes:core/v1:ConfigMap", "data.a", "in place"),
        ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "roleRef.name", "replaces"),
        ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "subjects[]", "in place"),
        ("kubernetes:batch/v1:Job", f"{CONTAINER}.image", "replaces"),
        ("postgresql:index/grant:Grant", "privileges", "in place"),
        ("postgresql:index/grant:Grant", "role", "replaces"),
        ("random:index/randomPassword:RandomPassword", "length", "replaces"),
        ("github:index/branch:Branch", "branch", "unknown"),
    ],
)
def test_a_change_replaces_or_does_not(type: str, path: str, answer: str) -> None:
    assert any_verdict(type, path, MUTABLE).answer == answer


def test_a_config_map_is_replaced_unless_its_provider_lets_it_change() -> None:
    assert any_verdict("kubernetes:core/v1:ConfigMap", "data.a", {}).answer == "replaces"


def test_a_verdict_says_what_it_rests_on() -> None:
    assert (
        "KmsKeyId is create-only in AWS::RDS::DBCluster"
        in verdict("aws:rds/cluster:Cluster", "kmsKeyId").why
    )


def test_what_only_the_provider_knows_has_no_type_in_cloudformation() -> None:
    # A type that gets one should be read from there.
    assert {short: type_of(f"aws:{short}") for short in PROVIDERS_OWN} == dict.fromkeys(
        PROVIDERS_OWN
    )


@pytest.mark.parametrize(
    ("type", "before", "after", "first"),
    [
        ("aws:rds/cluster:Cluster", {"clusterIdentifier": "a"}, {"clusterIdentifier": "a"}, True),
        ("aws:rds/cluster:Cluster", {"clusterIdentifier": "a"}, {"clusterIdentifier": "b"}, False),
        ("aws:ec2/subnet:Subnet", {"cidrBlock": "a"}, {"cidrBlock": "b"}, False),
        (
            "kubernetes:core/v1:Service",
            {"metadata": {"name": "a"}},
            {"metadata": {"name": "a"}},
            True,
        ),
        (
            "kubernetes:core/v1:Service",
            {"metadata": {"name": "a", "namespace": "x"}},
            {"metadata": {"name": "a", "namespace": "y"}},
            False,
        ),
    ],
)
def test_what_keeps_its_name_is_deleted_first(
    type: str, before: dict[str, Any], after: dict[str, Any], first: bool
) -> None:
    assert keeps_its_name(type, before, after) is first
