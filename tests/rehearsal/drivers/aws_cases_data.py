"""Cases for buckets, tables, databases, backups and repositories."""

from __future__ import annotations

import json
from typing import Any

from aws_case import ACCOUNT, Case, Subject, allow

TAGS = {"tags": {"Name": "tested"}}
ENGINE = {"engine": "aurora-postgresql", "engineVersion": "16.8"}


def _of_bucket(operation: str) -> Any:
    return lambda s: getattr(s.api("s3"), operation)(Bucket=s.inputs["bucket"])


def _parameters(s: Subject) -> object:
    answer = s.api("rds").describe_db_cluster_parameters(DBClusterParameterGroupName=s.id)
    return {p["ParameterName"]: p["ParameterValue"] for p in answer["Parameters"]}


def _instance_parameters(s: Subject) -> object:
    answer = s.api("rds").describe_db_parameters(DBParameterGroupName=s.id)
    return {p["ParameterName"]: p["ParameterValue"] for p in answer["Parameters"]}


def _table(s: Subject) -> object:
    api = s.api("dynamodb")
    return {
        **api.describe_table(TableName=s.id),
        **api.describe_continuous_backups(TableName=s.id),
        **api.describe_time_to_live(TableName=s.id),
    }


CASES = {
    "aws:s3/bucket:Bucket": Case(
        inputs=lambda a: {"bucket": "tested-bucket", "objectLockEnabled": True, **TAGS},
        read=lambda s: {
            **s.api("s3").get_bucket_location(Bucket=s.id),
            **s.api("s3").get_bucket_tagging(Bucket=s.id),
        },
        shows={
            "LocationConstraint": "eu-west-1",
            "TagSet[?Key=='cell'].Value | [0]": "dev-eu-west-1",
        },
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"TagSet[?Key=='Name'].Value | [0]": "renamed"},
        outputs={
            "arn": "arn:aws:s3:::tested-bucket",
            "bucketRegionalDomainName": "tested-bucket.s3.eu-west-1.amazonaws.com",
        },
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Case(
        inputs=lambda a: {
            "bucket": a.bucket("with-policy"),
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "TlsOnly",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": "arn:aws:s3:::with-policy/*",
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                }
            ),
        },
        read=_of_bucket("get_bucket_policy"),
        shows={"contains(Policy, 'TlsOnly')": True},
        change=lambda a: {"policy": allow("s3:GetObject", "arn:aws:s3:::with-policy/*")},
        then={"contains(Policy, 'TlsOnly')": False, "contains(Policy, 's3:GetObject')": True},
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Case(
        inputs=lambda a: {
            "bucket": a.bucket("versioned"),
            "versioningConfiguration": {"status": "Enabled"},
        },
        read=_of_bucket("get_bucket_versioning"),
        shows={"Status": "Enabled"},
        change=lambda a: {"versioningConfiguration": {"status": "Suspended"}},
        then={"Status": "Suspended"},
        after_delete={"Status": "Suspended"},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Case(
        inputs=lambda a: {
            "bucket": a.bucket("encrypted"),
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": a.key(),
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
        read=_of_bucket("get_bucket_encryption"),
        shows={
            "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
            ".SSEAlgorithm": "aws:kms"
        },
        change=lambda a: {
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
        },
        then={
            "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
            ".SSEAlgorithm": "AES256"
        },
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Case(
        inputs=lambda a: {
            "bucket": a.bucket("private"),
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        read=_of_bucket("get_public_access_block"),
        shows={"PublicAccessBlockConfiguration.BlockPublicPolicy": True},
        change=lambda a: {"blockPublicPolicy": False},
        then={
            "PublicAccessBlockConfiguration.BlockPublicPolicy": False,
            "PublicAccessBlockConfiguration.BlockPublicAcls": True,
        },
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Case(
        inputs=lambda a: {
            "bucket": a.bucket("owned"),
            "rule": {"objectOwnership": "BucketOwnerEnforced"},
        },
        read=_of_bucket("get_bucket_ownership_controls"),
        shows={"OwnershipControls.Rules[0].ObjectOwnership": "BucketOwnerEnforced"},
        change=lambda a: {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        then={"OwnershipControls.Rules[0].ObjectOwnership": "BucketOwnerPreferred"},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Case(
        inputs=lambda a: {
            "bucket": a.bucket("aging"),
            "rules": [
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 90.0},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                }
            ],
        },
        read=_of_bucket("get_bucket_lifecycle_configuration"),
        shows={"Rules[0].NoncurrentVersionExpiration.NoncurrentDays": 90},
        change=lambda a: {
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"prefix": "logs/"},
                    "expiration": {"days": 30},
                }
            ]
        },
        then={"Rules[].ID": ["old"], "Rules[0].Expiration.Days": 30},
    ),
    "aws:s3/bucketLogging:BucketLogging": Case(
        inputs=lambda a: {
            "bucket": a.bucket("logged"),
            "targetBucket": _log_target(a),
            "targetPrefix": "logged/",
        },
        read=_of_bucket("get_bucket_logging"),
        shows={"LoggingEnabled.TargetPrefix": "logged/"},
        change=lambda a: {"targetPrefix": "access/"},
        then={"LoggingEnabled.TargetPrefix": "access/"},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Case(
        inputs=lambda a: {
            "bucket": a.bucket("locked", objectLockEnabled=True),
            "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}},
        },
        read=_of_bucket("get_object_lock_configuration"),
        shows={"ObjectLockConfiguration.Rule.DefaultRetention.Days": 30},
        change=lambda a: {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 60}}},
        then={"ObjectLockConfiguration.Rule.DefaultRetention.Days": 60},
    ),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": Case(
        inputs=lambda a: {"blockPublicAcls": True, "blockPublicPolicy": True},
        read=lambda s: s.api("s3control").get_public_access_block(AccountId=ACCOUNT),
        shows={"PublicAccessBlockConfiguration.BlockPublicPolicy": True},
        change=lambda a: {"blockPublicPolicy": False},
        then={"PublicAccessBlockConfiguration.BlockPublicPolicy": False},
        outputs={"accountId": ACCOUNT},
    ),
    "aws:dynamodb/table:Table": Case(
        inputs=lambda a: {
            "name": "placements",
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "tenant",
            "rangeKey": "version",
            "attributes": [
                {"name": "tenant", "type": "S"},
                {"name": "version", "type": "N"},
            ],
            "deletionProtectionEnabled": False,
            "pointInTimeRecovery": {"enabled": True},
            "streamEnabled": True,
            "streamViewType": "NEW_AND_OLD_IMAGES",
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": a.key()},
            **TAGS,
        },
        read=_table,
        shows={
            "Table.KeySchema[1].AttributeName": "version",
            "Table.StreamSpecification.StreamViewType": "NEW_AND_OLD_IMAGES",
            "ContinuousBackupsDescription.PointInTimeRecoveryDescription"
            ".PointInTimeRecoveryStatus": "ENABLED",
            "Table.SSEDescription.SSEType": "KMS",
        },
        change=lambda a: {
            "pointInTimeRecovery": {"enabled": False},
            "ttl": {"attributeName": "expires", "enabled": True},
        },
        then={
            "ContinuousBackupsDescription.PointInTimeRecoveryDescription"
            ".PointInTimeRecoveryStatus": "DISABLED",
            "TimeToLiveDescription.AttributeName": "expires",
        },
        outputs={"arn": "table/placements", "streamArn": "table/placements/stream/"},
    ),
    "aws:rds/cluster:Cluster": Case(
        inputs=lambda a: {
            "clusterIdentifier": "tested",
            **ENGINE,
            "masterUsername": "root",
            "manageMasterUserPassword": True,
            "masterUserSecretKmsKeyId": a.key(),
            "dbSubnetGroupName": a.database_subnets,
            "vpcSecurityGroupIds": [a.security_group()],
            "storageEncrypted": True,
            "kmsKeyId": a.key(),
            "iamDatabaseAuthenticationEnabled": True,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "serverlessv2ScalingConfiguration": {"minCapacity": 0.5, "maxCapacity": 4},
            "backupRetentionPeriod": 7,
            "copyTagsToSnapshot": True,
            "deletionProtection": False,
            "skipFinalSnapshot": True,
            **TAGS,
        },
        read=lambda s: s.api("rds").describe_db_clusters(DBClusterIdentifier=s.id),
        shows={
            "DBClusters[0].EngineVersion": "16.8",
            "DBClusters[0].StorageEncrypted": True,
            "DBClusters[0].IAMDatabaseAuthenticationEnabled": True,
            "DBClusters[0].EnabledCloudwatchLogsExports": ["postgresql"],
            "DBClusters[0].BackupRetentionPeriod": 7,
            "DBClusters[0].ServerlessV2ScalingConfiguration.MaxCapacity": 4,
        },
        change=lambda a: {
            "backupRetentionPeriod": 35,
            "serverlessv2ScalingConfiguration": {"minCapacity": 1, "maxCapacity": 8},
        },
        then={
            "DBClusters[0].BackupRetentionPeriod": 35,
            "DBClusters[0].ServerlessV2ScalingConfiguration.MaxCapacity": 8,
            "DBClusters[0].StorageEncrypted": True,
        },
        outputs={
            "arn": "arn:aws:rds:eu-west-1:111122223333:cluster:tested",
            "endpoint": "127.0.0.1",
            "port": r"\d{4,5}",
            "masterUserSecrets": "'secretArn': 'arn:aws:secretsmanager",
            "clusterResourceId": "cluster-",
        },
    ),
    "aws:rds/clusterInstance:ClusterInstance": Case(
        inputs=lambda a: {
            "identifier": "tested-writer",
            "clusterIdentifier": a.database(),
            "engine": "aurora-postgresql",
            "instanceClass": "db.serverless",
            "availabilityZone": "eu-west-1a",
            "promotionTier": 0,
            "monitoringInterval": 30,
            "monitoringRoleArn": a.role("monitoring", "monitoring.rds.amazonaws.com")[1],
            "performanceInsightsEnabled": True,
            **TAGS,
        },
        read=lambda s: s.api("rds").describe_db_instances(DBInstanceIdentifier=s.id),
        shows={
            "DBInstances[0].DBClusterIdentifier": "surroundings",
            "DBInstances[0].DBInstanceClass": "db.serverless",
            "DBInstances[0].AvailabilityZone": "eu-west-1a",
        },
        change=lambda a: {"instanceClass": "db.r7g.large"},
        then={"DBInstances[0].DBInstanceClass": "db.r7g.large"},
        outputs={"arn": ":db:tested-writer", "endpoint": "127.0.0.1", "writer": "True"},
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": Case(
        inputs=lambda a: {
            "name": "tested",
            "family": "aurora-postgresql16",
            "parameters": [
                {
                    "name": "rds.logical_replication",
                    "value": "1",
                    "applyMethod": "pending-reboot",
                },
                {"name": "max_replication_slots", "value": 40.0},
            ],
            **TAGS,
        },
        read=_parameters,
        shows={'"rds.logical_replication"': "1", "max_replication_slots": "40"},
        change=lambda a: {
            "parameters": [
                {
                    "name": "rds.logical_replication",
                    "value": "1",
                    "applyMethod": "pending-reboot",
                },
                {"name": "max_replication_slots", "value": "50"},
            ]
        },
        then={"max_replication_slots": "50"},
        outputs={"arn": ":cluster-pg:tested"},
    ),
    "aws:rds/parameterGroup:ParameterGroup": Case(
        inputs=lambda a: {
            "name": "tested",
            "family": "aurora-postgresql16",
            "description": "of the test",
            "parameters": [{"name": "log_min_duration_statement", "value": "500"}],
        },
        read=_instance_parameters,
        shows={"log_min_duration_statement": "500"},
        change=lambda a: {"parameters": [{"name": "log_min_duration_statement", "value": "250"}]},
        then={"log_min_duration_statement": "250"},
        outputs={"arn": ":pg:tested"},
    ),
    "aws:rds/subnetGroup:SubnetGroup": Case(
        inputs=lambda a: {"subnetIds": a.subnets[:2], **TAGS},
        read=lambda s: s.api("rds").describe_db_subnet_groups(DBSubnetGroupName=s.id),
        shows={"length(DBSubnetGroups[0].Subnets)": 2},
        change=lambda a: {"subnetIds": a.subnets},
        then={"length(DBSubnetGroups[0].Subnets)": 3},
        outputs={"arn": ":subgrp:tested-", "vpcId": "vpc-"},
    ),
    "aws:rds/eventSubscription:EventSubscription": Case(
        inputs=lambda a: {
            "name": "tested",
            "snsTopic": a.topic,
            "sourceType": "db-cluster",
            "eventCategories": ["failover", "failure"],
            **TAGS,
        },
        read=lambda s: s.api("rds").describe_event_subscriptions(SubscriptionName=s.id),
        shows={"EventSubscriptionsList[0].SourceType": "db-cluster"},
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"EventSubscriptionsList[0].SourceType": "db-cluster"},
        outputs={"arn": ":es:tested"},
    ),
    "aws:backup/vault:Vault": Case(
        inputs=lambda a: {"name": "tested", "kmsKeyArn": a.key(), **TAGS},
        read=lambda s: s.api("backup").describe_backup_vault(BackupVaultName=s.id),
        shows={"BackupVaultName": "tested"},
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"BackupVaultName": "tested"},
        outputs={"arn": "backup-vault:tested"},
    ),
    "aws:backup/plan:Plan": Case(
        inputs=lambda a: {
            "name": "daily",
            "rules": [
                {
                    "ruleName": "daily",
                    "targetVaultName": a.make(
                        "aws:backup/vault:Vault", "plan-vault", name="planned"
                    )[0],
                    "schedule": "cron(0 3 * * ? *)",
                    "startWindow": 60,
                    "completionWindow": 300,
                    "lifecycle": {"deleteAfter": 35},
                    "copyActions": [
                        {
                            "destinationVaultArn": (
                                "arn:aws:backup:eu-central-1:111122223333:backup-vault:copies"
                            ),
                            "lifecycle": {"deleteAfter": 35},
                        }
                    ],
                }
            ],
            **TAGS,
        },
        read=lambda s: s.api("backup").get_backup_plan(BackupPlanId=s.id),
        shows={
            "BackupPlan.Rules[0].ScheduleExpression": "cron(0 3 * * ? *)",
            "BackupPlan.Rules[0].Lifecycle.DeleteAfterDays": 35,
            "DeletionDate": None,
        },
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"BackupPlan.BackupPlanName": "daily"},
        outputs={"arn": "backup-plan:"},
        after_delete={"DeletionDate != null": True},
    ),
    "aws:ecr/repository:Repository": Case(
        inputs=lambda a: {
            "name": "mirror/pgbouncer",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": a.key()}],
            **TAGS,
        },
        read=lambda s: s.api("ecr").describe_repositories(repositoryNames=[s.id]),
        shows={
            "repositories[0].imageTagMutability": "IMMUTABLE",
            "repositories[0].imageScanningConfiguration.scanOnPush": True,
        },
        change=lambda a: {"imageTagMutability": "MUTABLE"},
        then={"repositories[0].imageTagMutability": "MUTABLE"},
        outputs={"repositoryUrl": "dkr.ecr.eu-west-1.amazonaws.com/mirror/pgbouncer"},
    ),
}


def _log_target(around: Any) -> str:
    bucket = str(around.bucket("log-target"))
    around.make(
        "aws:s3/bucketPolicy:BucketPolicy",
        "log-target-policy",
        bucket=bucket,
        policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "AccessLogs",
                        "Effect": "Allow",
                        "Principal": {"Service": "logging.s3.amazonaws.com"},
                        "Action": "s3:PutObject",
                        "Resource": f"arn:aws:s3:::{bucket}/*",
                    }
                ],
            }
        ),
    )
    return bucket
