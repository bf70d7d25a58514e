"""Alarms on what the audit trail should never, or hardly ever, show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Organization

PERIOD_SECONDS = 300
"""Five minutes: CloudTrail delivers within about five, so a shorter period gains nothing."""


@dataclass(frozen=True)
class Signal:
    """Something in the trail to be told of: events that match, counted over five minutes."""

    name: str
    meaning: str
    pattern: str
    threshold: int = 1


class AuditAlarms(pulumi.ComponentResource):
    """A metric filter and an alarm per signal, on the log group that the trail is delivered to."""

    alarm_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        log_group_name: pulumi.Input[str],
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AuditAlarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = f"{organization.name}/audit"
        self.alarm_arns = {}
        for signal in signals(organization):
            metric_filter = aws.cloudwatch.LogMetricFilter(
                f"{name}-{signal.name}-filter",
                name=f"{organization.name}-{signal.name}",
                log_group_name=log_group_name,
                pattern=signal.pattern,
                metric_transformation={
                    "name": signal.name,
                    "namespace": namespace,
                    "value": "1",
                    "default_value": "0",
                },
                opts=child,
            )
            alarm = aws.cloudwatch.MetricAlarm(
                f"{name}-{signal.name}",
                name=f"{organization.name}-audit-{signal.name}",
                alarm_description=signal.meaning,
                namespace=namespace,
                metric_name=signal.name,
                statistic="Sum",
                period=PERIOD_SECONDS,
                evaluation_periods=1,
                comparison_operator="GreaterThanOrEqualToThreshold",
                threshold=signal.threshold,
                treat_missing_data="notBreaching",
                alarm_actions=[topic_arn],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[metric_filter]),
            )
            self.alarm_arns[signal.name] = alarm.arn
        self.register_outputs({"alarm_arns": self.alarm_arns})


def signals(organization: Organization) -> Sequence[Signal]:
    """What is worth waking somebody for, most of it from the CIS AWS Foundations Benchmark."""
    issuer = "$.userIdentity.sessionContext.sessionIssuer.userName"
    # Deployments change policies and networks all day, reviewed; a person at the console is not.
    by_hand = (
        f'(({issuer} NOT EXISTS) || ({issuer} != "{organization.name}-ci-deploy-*"))'
        ' && ($.userIdentity.type != "AWSService")'
    )
    return (
        Signal(
            "root-use",
            "Somebody uses an account's root user.",
            '{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS)'
            ' && ($.eventType != "AwsServiceEvent") }',
        ),
        Signal(
            "denied-calls",
            "Many calls are denied at once: somebody is trying doors.",
            '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
            # A guess to begin with: a person's console makes some tens while a page loads.
            threshold=100,
        ),
        Signal(
            "break-glass",
            "Somebody works with the break-glass permission set.",
            f'{{ {issuer} = "AWSReservedSSO_break-glass_*" }}',
        ),
        Signal(
            "login-without-mfa",
            "Somebody signed in to the console without a second factor.",
            '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes")'
            ' && ($.userIdentity.type != "AssumedRole")'
            ' && ($.responseElements.ConsoleLogin = "Success") }',
        ),
        Signal(
            "iam-policy-changes",
            "An IAM policy changed outside a deployment.",
            _any_event(
                "AttachRolePolicy",
                "CreatePolicy",
                "CreatePolicyVersion",
                "DeletePolicy",
                "DeletePolicyVersion",
                "DeleteRolePermissionsBoundary",
                "DeleteRolePolicy",
                "DetachRolePolicy",
                "PutRolePermissionsBoundary",
                "PutRolePolicy",
                "UpdateAssumeRolePolicy",
                also=by_hand,
            ),
        ),
        Signal(
            "long-lived-credentials",
            "Somebody made an IAM user or a credential of one, or tried to.",
            _any_event("CreateAccessKey", "CreateLoginProfile", "CreateUser", "UpdateLoginProfile"),
        ),
        Signal(
            "logging-disabled",
            "A trail, a recorder or a detector was changed or switched off.",
            _any_event(
                "CreateTrail",
                "DeleteConfigurationRecorder",
                "DeleteDeliveryChannel",
                "DeleteDetector",
                "DeleteFlowLogs",
                "DeleteTrail",
                "DisableSecurityHub",
                "DisassociateFromAdministratorAccount",
                "DisassociateMembers",
                "PutEventSelectors",
                "StopConfigurationRecorder",
                "StopLogging",
                "StopMonitoringMembers",
                "UpdateDetector",
                "UpdateTrail",
            ),
        ),
        Signal(
            "key-deletion",
            "A key was disabled or will be deleted.",
            _any_event("DisableKey", "DisableKeyRotation", "ScheduleKeyDeletion"),
        ),
        Signal(
            "network-changes",
            "A network's gateways, routes or access lists changed outside a deployment.",
            _any_event(
                "AcceptVpcPeeringConnection",
                "AttachInternetGateway",
                "CreateNetworkAclEntry",
                "CreateRoute",
                "CreateVpc",
                "CreateVpcPeeringConnection",
                "DeleteRoute",
                "DeleteVpc",
                "ReplaceNetworkAclEntry",
                "ReplaceRoute",
                also=by_hand,
            ),
        ),
        Signal(
            "security-group-changes",
            "A security group changed outside a deployment.",
            _any_event(
                "AuthorizeSecurityGroupEgress",
                "AuthorizeSecurityGroupIngress",
                "CreateSecurityGroup",
                "DeleteSecurityGroup",
                "ModifySecurityGroupRules",
                "RevokeSecurityGroupEgress",
                "RevokeSecurityGroupIngress",
                also=by_hand,
            ),
        ),
        Signal(
            "organization-changes",
            "An account, a guardrail or a delegated administrator of the organization changed.",
            '{ ($.eventSource = "organizations.amazonaws.com") && ($.readOnly IS FALSE) }',
        ),
    )


def _any_event(*names: str, also: str | None = None) -> str:
    any_of = " || ".join(f'($.eventName = "{name}")' for name in names)
    return f"{{ ({any_of}) && {also} }}" if also else f"{{ {any_of} }}"
