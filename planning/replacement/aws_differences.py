"""Where the AWS provider replaces otherwise than CloudFormation's schemas say.

Sources: the provider's own schemas, where a property that forces a new resource is marked, at
https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROPERTIES: Mapping[str, Mapping[str, str]] = {
    "accessanalyzer/analyzer:Analyzer": {"configuration": "AnalyzerConfiguration"},
    "acm/certificate:Certificate": {"options": "CertificateTransparencyLoggingPreference"},
    "backup/selection:Selection": {"planId": "BackupPlanId"},
    "backup/vault:Vault": {"kmsKeyArn": "EncryptionKeyArn"},
    "cfg/deliveryChannel:DeliveryChannel": {
        "snapshotDeliveryProperties": "ConfigSnapshotDeliveryProperties"
    },
    "cloudtrail/trail:Trail": {
        "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
        "enableLogging": "IsLogging",
    },
    "codebuild/project:Project": {
        "buildTimeout": "TimeoutInMinutes",
        "projectVisibility": "Visibility",
        "queuedTimeout": "QueuedTimeoutInMinutes",
    },
    "dynamodb/table:Table": {
        "attributes": "AttributeDefinitions",
        "hashKey": "KeySchema",
        "pointInTimeRecovery": "PointInTimeRecoverySpecification",
        "rangeKey": "KeySchema",
        "serverSideEncryption": "SSESpecification",
        "streamEnabled": "StreamSpecification",
        "streamViewType": "StreamSpecification",
    },
    "ec2/flowLog:FlowLog": {"iamRoleArn": "DeliverLogsPermissionArn", "vpcId": "ResourceId"},
    "ec2/securityGroup:SecurityGroup": {
        "description": "GroupDescription",
        "egress": "SecurityGroupEgress",
        "ingress": "SecurityGroupIngress",
        "name": "GroupName",
    },
    "ecr/registryPolicy:RegistryPolicy": {"policy": "PolicyText"},
    "eks/cluster:Cluster": {"enabledClusterLogTypes": "Logging", "vpcConfig": "ResourcesVpcConfig"},
    "eks/nodeGroup:NodeGroup": {
        "nodeGroupName": "NodegroupName",
        "nodeRoleArn": "NodeRole",
        "subnetIds": "Subnets",
    },
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "extendedS3Configuration": "ExtendedS3DestinationConfiguration",
        "serverSideEncryption": "DeliveryStreamEncryptionConfigurationInput",
    },
    "kms/key:Key": {
        "customerMasterKeySpec": "KeySpec",
        "deletionWindowInDays": "PendingWindowInDays",
        "policy": "KeyPolicy",
    },
    "lb/listener:Listener": {"certificateArn": "Certificates"},
    "lb/loadBalancer:LoadBalancer": {"internal": "Scheme", "loadBalancerType": "Type"},
    "rds/cluster:Cluster": {
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "masterUserSecretKmsKeyId": "MasterUserSecret",
    },
    "rds/clusterInstance:ClusterInstance": {
        "caCertIdentifier": "CACertificateIdentifier",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
    },
    "route53/record:Record": {
        "aliases": "AliasTarget",
        "records": "ResourceRecords",
        "zoneId": "HostedZoneId",
    },
    "route53/zone:Zone": {"comment": "HostedZoneConfig"},
    "secretsmanager/secretPolicy:SecretPolicy": {
        "policy": "ResourcePolicy",
        "secretArn": "SecretId",
    },
    "securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation": {
        "policyId": "ConfigurationPolicyId"
    },
    "securityhub/findingAggregator:FindingAggregator": {"linkingMode": "RegionLinkingMode"},
    "sns/topicPolicy:TopicPolicy": {"arn": "TopicArn"},
    "sqs/queue:Queue": {"messageRetentionSeconds": "MessageRetentionPeriod"},
    "sqs/queuePolicy:QueuePolicy": {"queueUrl": "Queues"},
    "ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes": {
        "attributes": "AccessControlAttributes"
    },
}
"""CloudFormation's property for Pulumi's, where neither name follows from the other."""

REPLACES: Mapping[str, frozenset[str]] = {
    "backup/plan:Plan": frozenset({"name"}),
    "backup/selection:Selection": frozenset({"name", "iamRoleArn", "resources", "conditions"}),
    "dynamodb/table:Table": frozenset({"hashKey", "rangeKey"}),
    "ec2/eip:Eip": frozenset({"domain"}),
    "ec2/managedPrefixList:ManagedPrefixList": frozenset({"addressFamily"}),
    "eks/nodeGroup:NodeGroup": frozenset({"launchTemplate.id", "launchTemplate.name"}),
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": frozenset({"destination"}),
    "kms/key:Key": frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"}),
    "rds/cluster:Cluster": frozenset({"engine", "masterUsername", "availabilityZones"}),
    "rds/clusterInstance:ClusterInstance": frozenset({"engine", "availabilityZone"}),
    "route53/record:Record": frozenset({"name", "setIdentifier"}),
    "s3/bucket:Bucket": frozenset({"objectLockEnabled"}),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": frozenset({"securityGroupId"}),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": frozenset({"securityGroupId"}),
}
"""What the provider replaces a resource for, though CloudFormation does not, or not always."""

KEEPS: Mapping[str, frozenset[str]] = {
    "ec2/routeTableAssociation:RouteTableAssociation": frozenset({"routeTableId"}),
    "rds/clusterInstance:ClusterInstance": frozenset(
        {"autoMinorVersionUpgrade", "dbParameterGroupName", "preferredMaintenanceWindow"}
    ),
    "rds/eventSubscription:EventSubscription": frozenset({"snsTopic"}),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": frozenset(
        {"cidrIpv4", "description", "fromPort", "ipProtocol", "toPort", "referencedSecurityGroupId"}
    ),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": frozenset(
        {
            *("cidrIpv4", "description", "fromPort", "ipProtocol", "prefixListId", "toPort"),
            "referencedSecurityGroupId",
        }
    ),
}
"""What the provider updates in place, though CloudFormation replaces the resource for it."""

PROVIDERS_OWN: Mapping[str, frozenset[str]] = {
    "acm/certificateValidation:CertificateValidation": frozenset(
        {"certificateArn", "validationRecordFqdns"}
    ),
    "backup/vaultLockConfiguration:VaultLockConfiguration": frozenset(
        {"backupVaultName", "changeableForDays", "maxRetentionDays", "minRetentionDays"}
    ),
    "cfg/recorderStatus:RecorderStatus": frozenset({"name"}),
    "cloudwatch/eventTarget:EventTarget": frozenset({"eventBusName", "rule", "targetId"}),
    "codebuild/webhook:Webhook": frozenset({"projectName"}),
    "dynamodb/resourcePolicy:ResourcePolicy": frozenset({"resourceArn"}),
    "ebs/encryptionByDefault:EncryptionByDefault": frozenset(),
    "ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": frozenset(),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": frozenset({"vpcId"}),
    "ec2/imageBlockPublicAccess:ImageBlockPublicAccess": frozenset(),
    "ec2/instanceMetadataDefaults:InstanceMetadataDefaults": frozenset(),
    "ecr/accountSetting:AccountSetting": frozenset({"name"}),
    "eks/accessPolicyAssociation:AccessPolicyAssociation": frozenset(
        {"accessScope", "clusterName", "policyArn", "principalArn"}
    ),
    "guardduty/organizationAdminAccount:OrganizationAdminAccount": frozenset({"adminAccountId"}),
    "guardduty/organizationConfiguration:OrganizationConfiguration": frozenset({"detectorId"}),
    "guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature": frozenset(
        {"detectorId", "name"}
    ),
    "iam/rolePolicyAttachment:RolePolicyAttachment": frozenset({"policyArn", "role"}),
    "organizations/delegatedAdministrator:DelegatedAdministrator": frozenset(
        {"accountId", "servicePrincipal"}
    ),
    "organizations/policyAttachment:PolicyAttachment": frozenset({"policyId", "targetId"}),
    "s3/accountPublicAccessBlock:AccountPublicAccessBlock": frozenset({"accountId"}),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": frozenset({"bucket"}),
    "s3/bucketLogging:BucketLogging": frozenset({"bucket"}),
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": frozenset({"bucket"}),
    "s3/bucketOwnershipControls:BucketOwnershipControls": frozenset({"bucket"}),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": frozenset({"bucket"}),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        frozenset({"bucket"})
    ),
    "s3/bucketVersioning:BucketVersioning": frozenset({"bucket"}),
    "secretsmanager/secretVersion:SecretVersion": frozenset(
        {"secretBinary", "secretId", "secretString"}
    ),
    "securityhub/account:Account": frozenset(),
    "securityhub/organizationAdminAccount:OrganizationAdminAccount": frozenset({"adminAccountId"}),
    "ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": frozenset(
        {"instanceArn", "managedPolicyArn", "permissionSetArn"}
    ),
    "ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": frozenset(
        {"instanceArn", "permissionSetArn"}
    ),
    "ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment": frozenset(
        {"instanceArn", "permissionSetArn", "permissionsBoundary"}
    ),
}
"""Types that CloudFormation does not have, with what the provider replaces them for: all of it."""

SETTINGS = frozenset(
    {
        *(
            "allowMajorVersionUpgrade",
            "allowOverwrite",
            "applyImmediately",
            "deleteAutomatedBackups",
        ),
        *(
            "finalSnapshotIdentifier",
            "forceDestroy",
            "recoveryWindowInDays",
            "resolveConflictsOnCreate",
        ),
        *("resolveConflictsOnUpdate", "revokeRulesOnDelete", "skipFinalSnapshot", "tags"),
        *("updateDefaultVersion", "waitForCapacityTimeout"),
    }
)
"""Settings of the provider for its own work, which the service never sees; and tags."""

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "backup/plan:Plan": frozenset({"rules"}),
    "ec2/internetGateway:InternetGateway": frozenset({"vpcId"}),
    "ec2/launchTemplate:LaunchTemplate": frozenset(
        {"blockDeviceMappings", "description", "metadataOptions", "userData", "vpcSecurityGroupIds"}
    ),
    "ec2/vpc:Vpc": frozenset({"enableNetworkAddressUsageMetrics"}),
    "lb/loadBalancer:LoadBalancer": frozenset(
        {
            *("accessLogs", "desyncMitigationMode", "dropInvalidHeaderFields"),
            *("enableDeletionProtection", "enableWafFailOpen", "idleTimeout"),
            "xffHeaderProcessingMode",
        }
    ),
    "lb/targetGroup:TargetGroup": frozenset(
        {"deregistrationDelay", "healthCheck", "loadBalancingAlgorithmType"}
    ),
    "securityhub/organizationConfiguration:OrganizationConfiguration": frozenset(
        {"organizationConfiguration"}
    ),
}
"""What CloudFormation has under another shape, and both update in place."""
