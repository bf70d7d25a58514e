"""A tenant's own way in: one application load balancer that only its allow-list reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.allow_list import PrefixLists
from components.aws.listener_rules import rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.base import AllowList
    from components.aws.listener_rules import Route, Rule

TLS_POLICY: Final = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, and 1.2 with forward secrecy and authenticated encryption only."""

IDLE_TIMEOUT_SECONDS: Final = 3600
"""A web socket may say nothing for an hour; AWS' default of a minute cuts those that ping less."""

DEREGISTRATION_SECONDS: Final = 60
"""How long a pod that goes may finish its requests; less than its own grace period."""

TARGET_GROUP_LIMIT: Final = 32


class TenantIngress(pulumi.ComponentResource):
    """A public load balancer that sends to pods by their addresses.

    Each route has a target group, to which the cluster's load balancer controller registers the
    pods through a `TargetGroupBinding`. What no route matches is answered 404. The client's address
    is the last one in `X-Forwarded-For`: those before it are the client's own words.

    With `deletion_protection` AWS refuses to delete the load balancer; a slice that is to go must
    have it off one update earlier.
    """

    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    """The hosted zone for alias records to `dns_name`."""
    load_balancer_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    target_group_arns: dict[str, pulumi.Output[str]]
    """By service."""

    def __init__(
        self,
        name: str,
        *,
        load_balancer_name: str,
        hostnames: Sequence[str],
        routes: Sequence[Route],
        allow_list: AllowList,
        vpc_id: pulumi.Input[str],
        public_subnet_ids: Sequence[pulumi.Input[str]],
        certificate_arn: pulumi.Input[str],
        log_bucket: pulumi.Input[str],
        node_security_group_id: pulumi.Input[str],
        load_balancer_security_group_id: pulumi.Input[str],
        deletion_protection: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:TenantIngress", name, None, opts)
        listener_rules = rules(routes, hostnames)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        group = self._declare_security_group(load_balancer_name, vpc_id)
        self._declare_ways_in(group, load_balancer_name, allow_list)
        self._declare_ways_out(group, node_security_group_id, routes)
        balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            name=load_balancer_name,
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            subnets=list(public_subnet_ids),
            # The cell's shared group names the load balancer to the nodes and has no rules itself.
            security_groups=[group.id, load_balancer_security_group_id],
            idle_timeout=IDLE_TIMEOUT_SECONDS,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            xff_header_processing_mode="append",
            enable_waf_fail_open=False,
            enable_deletion_protection=deletion_protection,
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(
                enabled=True, bucket=log_bucket, prefix=load_balancer_name
            ),
            tags={"Name": load_balancer_name},
            opts=self._child,
        )
        self.target_group_arns = {
            route.service: self._target_group(route, load_balancer_name, vpc_id).arn
            for route in routes
        }
        self._declare_listeners(balancer, certificate_arn, listener_rules)
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.load_balancer_arn = balancer.arn
        self.security_group_id = group.id
        self.register_outputs({"dns_name": self.dns_name, "zone_id": self.zone_id})

    def _declare_security_group(
        self, load_balancer_name: str, vpc_id: pulumi.Input[str]
    ) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-group",
            vpc_id=vpc_id,
            description=f"Load balancer {load_balancer_name}.",
            revoke_rules_on_delete=True,
            tags={"Name": load_balancer_name},
            opts=self._child,
        )

    def _declare_ways_in(
        self, group: aws.ec2.SecurityGroup, load_balancer_name: str, allow_list: AllowList
    ) -> None:
        lists = PrefixLists(
            f"{self._name}-allow-list",
            list_name=load_balancer_name,
            allow_list=allow_list,
            opts=self._child,
        )
        for family, list_id in (("v4", lists.v4_id), ("v6", lists.v6_id)):
            for protocol, port in (("https", 443), ("http", 80)):
                aws.vpc.SecurityGroupIngressRule(
                    f"{self._name}-{protocol}-{family}",
                    security_group_id=group.id,
                    description=f"{protocol.upper()} from the allow-list, IP{family}.",
                    prefix_list_id=list_id,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    opts=self._child,
                )

    def _declare_ways_out(
        self,
        group: aws.ec2.SecurityGroup,
        node_security_group_id: pulumi.Input[str],
        routes: Sequence[Route],
    ) -> None:
        for port in sorted({route.port for route in routes}):
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-to-{port}",
                security_group_id=group.id,
                description="Requests and health checks to pods of the tenant.",
                referenced_security_group_id=node_security_group_id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                opts=self._child,
            )

    def _target_group(
        self, route: Route, load_balancer_name: str, vpc_id: pulumi.Input[str]
    ) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-{route.service}",
            # A port can't be changed in place: with it in the name, the next one can come first.
            name=names.fit(
                f"{load_balancer_name}-{route.service}-{route.port}", TARGET_GROUP_LIMIT
            ),
            vpc_id=vpc_id,
            target_type="ip",
            protocol="HTTP",
            protocol_version="HTTP1",
            port=route.port,
            deregistration_delay=DEREGISTRATION_SECONDS,
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                enabled=True,
                protocol="HTTP",
                port="traffic-port",
                path=route.health_path,
                matcher="200-299",
                interval=15,
                timeout=5,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            opts=self._child,
        )

    def _declare_listeners(
        self,
        balancer: aws.lb.LoadBalancer,
        certificate_arn: pulumi.Input[str],
        listener_rules: Sequence[Rule],
    ) -> None:
        aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(
                    type="redirect",
                    redirect=aws.lb.ListenerDefaultActionRedirectArgs(
                        protocol="HTTPS", port="443", status_code="HTTP_301"
                    ),
                )
            ],
            opts=self._child,
        )
        https = aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate_arn,
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(
                    type="fixed-response",
                    fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
                        content_type="text/plain", status_code="404", message_body="Not found"
                    ),
                )
            ],
            opts=self._child,
        )
        for rule in listener_rules:
            self._declare_rule(https, rule)

    def _declare_rule(self, listener: aws.lb.Listener, rule: Rule) -> None:
        suffix = f"-{rule.part + 1}" if rule.part else ""
        aws.lb.ListenerRule(
            f"{self._name}-{rule.service}-rule{suffix}",
            listener_arn=listener.arn,
            priority=rule.priority,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    host_header=aws.lb.ListenerRuleConditionHostHeaderArgs(
                        values=list(rule.hostnames)
                    )
                ),
                aws.lb.ListenerRuleConditionArgs(
                    path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(
                        values=list(rule.paths)
                    )
                ),
            ],
            actions=[
                aws.lb.ListenerRuleActionArgs(
                    type="forward", target_group_arn=self.target_group_arns[rule.service]
                )
            ],
            opts=self._child,
        )
