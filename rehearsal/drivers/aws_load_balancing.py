"""Drivers for load balancers and target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_parameters import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.drivers.base import Driver, Inputs

LOAD_BALANCING_TAGGING = Tagging("add_tags", "remove_tags", lambda s: {"ResourceArns": [s.id]})


def attributes(
    kind: str, names: Mapping[str, str], nested: Mapping[str, Mapping[str, str]]
) -> Step:
    """Settings that are attributes to the API: each a name and a text."""

    def do(subject: Subject) -> None:
        wanted: dict[str, Any] = {api: subject.inputs.get(ours) for ours, api in names.items()}
        for ours, parts in nested.items():
            block = subject.inputs.get(ours)
            if block is not None:
                # The block is there unless it says that it is off.
                block = {"enabled": True, **block}
            elif subject.before.get(ours) is not None:
                block = {"enabled": False}
            wanted |= {api: (block or {}).get(part) for part, api in parts.items()}
        pairs = [
            {"Key": key, "Value": text(value)} for key, value in wanted.items() if value is not None
        ]
        modify = getattr(subject.api, f"modify_{kind}_attributes")
        modify(**{f"{_PARAMETER[kind]}Arn": subject.id}, Attributes=pairs)

    return Step({*names, *nested}, do)


_PARAMETER = {
    "load_balancer": "LoadBalancer",
    "target_group": "TargetGroup",
    "listener": "Listener",
}


def _logs(name: str) -> dict[str, str]:
    return {part: f"{name}.s3.{part}" for part in ("enabled", "bucket", "prefix")}


def _scheme(inputs: Inputs) -> Inputs:
    rest = {k: v for k, v in inputs.items() if k != "internal"}
    scheme = "internal" if inputs.get("internal") else "internet-facing"
    return {"loadBalancerType": "application", **rest, "scheme": scheme}


def _load_balancer(subject: Subject) -> dict[str, str]:
    return {"LoadBalancerArn": subject.id}


def _short_name(inputs: Inputs, named: Inputs) -> Inputs:
    """Names have 32 characters at most, so a made-up one is cut in front of its random end."""
    if inputs.get("name"):
        return named
    return {**named, "name": f"{named['name'][:-8][:24]}{named['name'][-8:]}"}


class ShortNamed(AwsDriver):
    """A resource whose name has 32 characters at most."""

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        return _short_name(inputs, super()._named(name, inputs))


LOAD_BALANCER = ShortNamed(
    service="elbv2",
    create_by=Call(
        "create_load_balancer",
        takes=(
            "name",
            "internal",
            "loadBalancerType",
            "securityGroups",
            "subnets",
            "subnetMappings",
            "ipAddressType",
            "customerOwnedIpv4Pool",
        ),
        rename={"loadBalancerType": "Type"},
        reshape=_scheme,
    ),
    read_by=Call("describe_load_balancers", given=lambda s: {"LoadBalancerArns": [s.id]}),
    updates=(
        Call("set_security_groups", given=_load_balancer, takes=("securityGroups",)),
        Call("set_subnets", given=_load_balancer, takes=("subnets", "subnetMappings")),
        Call("set_ip_address_type", given=_load_balancer, takes=("ipAddressType",)),
        attributes(
            "load_balancer",
            {
                "clientKeepAlive": "client_keep_alive.seconds",
                "desyncMitigationMode": "routing.http.desync_mitigation_mode",
                "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
                "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
                "enableDeletionProtection": "deletion_protection.enabled",
                "enableHttp2": "routing.http2.enabled",
                "enableTlsVersionAndCipherSuiteHeaders": (
                    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"
                ),
                "enableWafFailOpen": "waf.fail_open.enabled",
                "enableXffClientPort": "routing.http.xff_client_port.enabled",
                "enableZonalShift": "zonal_shift.config.enabled",
                "idleTimeout": "idle_timeout.timeout_seconds",
                "preserveHostHeader": "routing.http.preserve_host_header.enabled",
                "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
            },
            {
                "accessLogs": _logs("access_logs"),
                "connectionLogs": _logs("connection_logs"),
                "healthCheckLogs": _logs("health_check_logs"),
            },
        ),
    ),
    delete_by=(Call("delete_load_balancer", given=_load_balancer),),
    id_is="LoadBalancers[0].LoadBalancerArn",
    outputs_are={
        "arn": "LoadBalancers[0].LoadBalancerArn",
        "arnSuffix": lambda s: s.id.partition(":loadbalancer/")[2],
        "dnsName": "LoadBalancers[0].DNSName",
        "zoneId": "LoadBalancers[0].CanonicalHostedZoneId",
        "vpcId": "LoadBalancers[0].VpcId",
    },
    named="name",
    tagging=LOAD_BALANCING_TAGGING,
    replaced_by=frozenset({"name", "namePrefix", "internal", "loadBalancerType"}),
)


_HEALTH = {
    "enabled": "HealthCheckEnabled",
    "protocol": "HealthCheckProtocol",
    "port": "HealthCheckPort",
    "path": "HealthCheckPath",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _health_check(inputs: Inputs) -> Inputs:
    form = {k: v for k, v in inputs.items() if k != "healthCheck"}
    check = dict(inputs.get("healthCheck") or {})
    matcher = check.pop("matcher", None)
    if matcher is not None:
        form["matcher"] = {"HttpCode": matcher}
    return form | {_HEALTH[name]: value for name, value in check.items()}


def _target_group(subject: Subject) -> dict[str, str]:
    return {"TargetGroupArn": subject.id}


_TARGET_GROUP: Iterable[str] = (
    "name",
    "port",
    "protocol",
    "protocolVersion",
    "targetType",
    "vpcId",
    "ipAddressType",
    "healthCheck",
    "targetControlPort",
)
TARGET_GROUP = ShortNamed(
    service="elbv2",
    create_by=Call("create_target_group", takes=_TARGET_GROUP, reshape=_health_check),
    read_by=Call("describe_target_groups", given=lambda s: {"TargetGroupArns": [s.id]}),
    updates=(
        Call(
            "modify_target_group",
            given=_target_group,
            takes=("healthCheck",),
            reshape=_health_check,
        ),
        attributes(
            "target_group",
            {
                "connectionTermination": "deregistration_delay.connection_termination.enabled",
                "deregistrationDelay": "deregistration_delay.timeout_seconds",
                "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
                "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
                "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
                "preserveClientIp": "preserve_client_ip.enabled",
                "proxyProtocolV2": "proxy_protocol_v2.enabled",
                "slowStart": "slow_start.duration_seconds",
            },
            {
                "stickiness": {
                    "enabled": "stickiness.enabled",
                    "type": "stickiness.type",
                    "cookieDuration": "stickiness.lb_cookie.duration_seconds",
                    "cookieName": "stickiness.app_cookie.cookie_name",
                }
            },
        ),
    ),
    delete_by=(Call("delete_target_group", given=_target_group),),
    id_is="TargetGroups[0].TargetGroupArn",
    outputs_are={
        "arn": lambda s: s.id,
        "arnSuffix": lambda s: s.id.rpartition(":")[2],
        "loadBalancerArns": "TargetGroups[0].LoadBalancerArns",
    },
    named="name",
    tagging=LOAD_BALANCING_TAGGING,
    replaced_by=frozenset(
        {
            "name",
            "namePrefix",
            "port",
            "protocol",
            "protocolVersion",
            "targetType",
            "vpcId",
            "ipAddressType",
        }
    ),
)


DRIVERS: dict[str, Driver] = {
    "aws:lb/loadBalancer:LoadBalancer": LOAD_BALANCER,
    "aws:lb/targetGroup:TargetGroup": TARGET_GROUP,
}
