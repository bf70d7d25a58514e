"""The web application firewall before a tenant's load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from catalog.allow_lists import of_family
from components.aws.allow_list import waf_addresses
from components.aws.firewall_rules import firewall_rules, visibility

if TYPE_CHECKING:
    from catalog.base import AllowList

REDACTED_HEADERS: Final = ("authorization", "cookie")
"""They let whoever reads them act as the person who sent them."""


class Firewall(pulumi.ComponentResource):
    """A web ACL that blocks who is not on the allow-list, asks too much, or looks like an attack.

    The address that counts is the one that the connection comes from; headers are never believed.
    The log group's name starts as AWS wants it, `aws-waf-logs-`.
    """

    web_acl_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        acl_name: str,
        allow_list: AllowList,
        load_balancer_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        log_retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Firewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        allowed = [
            aws.wafv2.IpSet(
                f"{name}-v{version}",
                name=f"{acl_name}-v{version}",
                description=f"Networks that may reach {acl_name}, IPv{version}",
                scope="REGIONAL",
                ip_address_version=f"IPV{version}",
                addresses=waf_addresses(of_family(allow_list, version)),
                opts=child,
            ).arn
            for version in (4, 6)
        ]
        acl = aws.wafv2.WebAcl(
            f"{name}-acl",
            name=acl_name,
            description=f"Requests to {acl_name}",
            scope="REGIONAL",
            default_action=aws.wafv2.WebAclDefaultActionArgs(
                allow=aws.wafv2.WebAclDefaultActionAllowArgs()
            ),
            rules=firewall_rules(allowed),
            visibility_config=visibility(acl_name),
            opts=child,
        )
        aws.wafv2.WebAclAssociation(
            f"{name}-association", resource_arn=load_balancer_arn, web_acl_arn=acl.arn, opts=child
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"aws-waf-logs-{acl_name}",
            retention_in_days=log_retention_days,
            kms_key_id=key_arn,
            opts=child,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{name}-logging",
            resource_arn=acl.arn,
            log_destination_configs=[logs.arn],
            redacted_fields=[
                aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                    single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(
                        name=header
                    )
                )
                for header in REDACTED_HEADERS
            ],
            opts=child,
        )
        self.web_acl_arn = acl.arn
        self.log_group_name = logs.name
        self.register_outputs({"web_acl_arn": self.web_acl_arn})
