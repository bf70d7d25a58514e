"""The way in for people: a client VPN that Google signs them in to, group by group."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Vpn
    from catalog.organization import Group

SESSION_HOURS: Final = 8
"""The shortest that Client VPN offers: a working day, then people sign in again."""

BANNER: Final = "Connections are logged. For work on this platform only."


def resolver(network_cidr: str) -> str:
    """The address of a VPC's own DNS resolver: the third of its range.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    return str(ipaddress.IPv4Network(network_cidr)[2])


class ClientVpn(pulumi.ComponentResource):
    """A Client VPN endpoint into one cell's private network.

    People sign in by SAML, with the second factor that the identity provider demands; only those
    in one of `spec.groups` get through. Google sends the groups' addresses, and a rule names one.
    Only traffic to the cell takes the tunnel. Clients reach what lets the VPN's security group in,
    on port 443: the Kubernetes API and AWS' endpoints. Every connection is logged.
    """

    endpoint_id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: Vpn,
        *,
        vpn_name: str,
        server_certificate_arn: pulumi.Input[str],
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        network_cidr: str,
        saml_metadata: str,
        groups: Mapping[str, Group],
        key_arn: pulumi.Input[str],
        log_retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:ClientVpn", name, None, opts)
        missing = sorted(set(spec.groups) - set(groups))
        if missing:
            known = ", ".join(sorted(groups))
            raise ValueError(f"VPN for unknown groups {', '.join(missing)}; groups are {known}")
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        group = self._declare_security_group(vpn_name, vpc_id, network_cidr)
        logs, stream = self._declare_logs(vpn_name, key_arn, log_retention_days)
        provider = aws.iam.SamlProvider(
            f"{name}-saml",
            name=vpn_name,
            saml_metadata_document=saml_metadata,
            opts=self._child,
        )
        endpoint = aws.ec2clientvpn.Endpoint(
            f"{name}-endpoint",
            description=f"People into {vpn_name}",
            client_cidr_block=spec.clients,
            server_certificate_arn=server_certificate_arn,
            authentication_options=[
                aws.ec2clientvpn.EndpointAuthenticationOptionArgs(
                    type="federated-authentication", saml_provider_arn=provider.arn
                )
            ],
            connection_log_options=aws.ec2clientvpn.EndpointConnectionLogOptionsArgs(
                enabled=True, cloudwatch_log_group=logs.name, cloudwatch_log_stream=stream.name
            ),
            client_login_banner_options=aws.ec2clientvpn.EndpointClientLoginBannerOptionsArgs(
                enabled=True, banner_text=BANNER
            ),
            client_route_enforcement_options=aws.ec2clientvpn.EndpointClientRouteEnforcementOptionsArgs(
                enforced=True
            ),
            dns_servers=[resolver(network_cidr)],
            split_tunnel=True,
            self_service_portal="disabled",
            session_timeout_hours=SESSION_HOURS,
            disconnect_on_session_timeout=True,
            transport_protocol="udp",
            vpn_port=443,
            vpc_id=vpc_id,
            security_group_ids=[group.id],
            tags={"Name": vpn_name},
            opts=self._child,
        )
        for position, subnet_id in enumerate(subnet_ids, 1):
            aws.ec2clientvpn.NetworkAssociation(
                f"{name}-association-{position}",
                client_vpn_endpoint_id=endpoint.id,
                subnet_id=subnet_id,
                opts=self._child,
            )
        for slug in sorted(spec.groups):
            aws.ec2clientvpn.AuthorizationRule(
                f"{name}-{slug}",
                client_vpn_endpoint_id=endpoint.id,
                description=f"The group {slug} into {vpn_name}",
                target_network_cidr=network_cidr,
                access_group_id=groups[slug].email,
                # Nothing of a rule changes in place, and AWS takes no second one for a group.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.endpoint_id = endpoint.id
        self.dns_name = endpoint.dns_name
        self.security_group_id = group.id
        self.log_group_name = logs.name
        self.register_outputs({"endpoint_id": self.endpoint_id})

    def _declare_security_group(
        self, vpn_name: str, vpc_id: pulumi.Input[str], network_cidr: str
    ) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-group",
            vpc_id=vpc_id,
            description=f"People who dialled in to {vpn_name}.",
            tags={"Name": vpn_name},
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-network",
            security_group_id=group.id,
            description="The Kubernetes API and AWS endpoints in the network of the cell.",
            cidr_ipv4=network_cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        return group

    def _declare_logs(
        self, vpn_name: str, key_arn: pulumi.Input[str], log_retention_days: int
    ) -> tuple[aws.cloudwatch.LogGroup, aws.cloudwatch.LogStream]:
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/aws/client-vpn/{vpn_name}",
            retention_in_days=log_retention_days,
            kms_key_id=key_arn,
            opts=self._child,
        )
        stream = aws.cloudwatch.LogStream(
            f"{self._name}-stream",
            name="connections",
            log_group_name=logs.name,
            opts=self._child,
        )
        return logs, stream
