"""The organization's audit trail: every call in every account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.audit_archive import TRAIL_SERVICE, archive_bucket, trail_arn, trail_name
from components.aws.policy_document import policy_document, service_trust

if TYPE_CHECKING:
    from catalog.organization import Organization
    from components.aws.audit_archive import AuditArchive


class AuditTrail(pulumi.ComponentResource):
    """One CloudTrail for the organization, in the management account.

    It goes to the archive, validated file by file, and to CloudWatch Logs for the alarms.
    """

    trail_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        archive: AuditArchive,
        log_key_arn: pulumi.Input[str],
        ledger_table_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AuditTrail", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/organization/{trail_name(organization)}",
            retention_in_days=organization.log_retention_days,
            kms_key_id=log_key_arn,
            opts=self._child,
        )
        role, policy = self._delivery_role(name, organization, log_group)
        trail = aws.cloudtrail.Trail(
            f"{name}-trail",
            name=trail_name(organization),
            s3_bucket_name=archive.bucket_name,
            kms_key_id=archive.key_arn,
            cloud_watch_logs_group_arn=pulumi.Output.concat(log_group.arn, ":*"),
            cloud_watch_logs_role_arn=role.arn,
            enable_logging=True,
            enable_log_file_validation=True,
            include_global_service_events=True,
            is_multi_region_trail=True,
            is_organization_trail=True,
            advanced_event_selectors=event_selectors(organization, ledger_table_arn),
            insight_selectors=[
                {"insight_type": "ApiCallRateInsight"},
                {"insight_type": "ApiErrorRateInsight"},
            ],
            # CloudTrail refuses a bucket whose policy does not let it in yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, archive], protect=True),
        )
        self.trail_arn = trail.arn
        self.log_group_name = log_group.name
        self.register_outputs({"trail_arn": self.trail_arn, "log_group_name": self.log_group_name})

    def _delivery_role(
        self, name: str, organization: Organization, log_group: aws.cloudwatch.LogGroup
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{name}-delivery",
            name=f"{organization.name}-trail-delivery",
            description="CloudTrail delivers to CloudWatch Logs",
            assume_role_policy=policy_document(
                [
                    service_trust(
                        "OurTrail",
                        TRAIL_SERVICE,
                        organization.accounts.management,
                        source_arn=trail_arn(organization),
                    )
                ]
            ),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-delivery-policy",
            name="delivery",
            role=role.name,
            policy=policy_document(
                [
                    {
                        "Sid": "WriteItsOwnStreams",
                        "Effect": "Allow",
                        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                        "Resource": pulumi.Output.concat(log_group.arn, ":log-stream:*"),
                    }
                ]
            ),
            opts=self._child,
        )
        return role, policy


def event_selectors(
    organization: Organization, ledger_table_arn: pulumi.Input[str]
) -> list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict]:
    """Every management call; and of data, all objects in our buckets, and the placement ledger.

    The audit account's own buckets are left out: the trail's deliveries would log themselves.
    """
    ours = f"arn:aws:s3:::{organization.name}-"
    audit = archive_bucket(organization).removesuffix("archive")
    return [
        {
            "name": "Management calls",
            "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}],
        },
        {
            "name": "Objects",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {
                    "field": "resources.ARN",
                    "starts_withs": [ours],
                    "not_starts_withs": [f"arn:aws:s3:::{audit}"],
                },
            ],
        },
        {
            "name": "Placement ledger",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::DynamoDB::Table"]},
                {"field": "resources.ARN", "equals": [ledger_table_arn]},
            ],
        },
    ]
