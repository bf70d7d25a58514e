"""Drivers for load balancers, listeners, rules and target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_driver import AwsDriver, Call, Step, Subject, Tagging, joined
from rehearsal.drivers.aws_parameters import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.drivers.base import Driver, Inputs

_TAGGING = Tagging("add_tags", "remove_tags", lambda s: {"ResourceArns": [s.id]})


def _attributes(
    kind: str, attributes: Mapping[str, str], nested: Mapping[str, Mapping[str, str]]
) -> Step:
    """Settings that are attributes to the API: each a name and a text."""

    def do(subject: Subject) -> None:
        wanted: dict[str, Any] = {api: subject.inputs.get(ours) for ours, api in attributes.items()}
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

    return Step({*attributes, *nested}, do)


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
        _attributes(
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
    tagging=_TAGGING,
    replaced_by=frozenset({"name", "namePrefix", "internal", "loadBalancerType"}),
)


def _actions(inputs: Inputs) -> Inputs:
    """Pulumi numbers actions only where it is asked to, and calls some parts otherwise."""

    def action(number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        renamed = {
            {
                "redirect": "redirectConfig",
                "fixedResponse": "fixedResponseConfig",
                "forward": "forwardConfig",
                "authenticateOidc": "authenticateOidcConfig",
                "authenticateCognito": "authenticateCognitoConfig",
            }.get(key, key): value
            for key, value in given.items()
        }
        return {"order": number, **renamed}

    form = dict(inputs)
    for name in ("defaultActions", "actions"):
        if name in form:
            form[name] = [action(i, given) for i, given in enumerate(form[name], start=1)]
    if "certificateArn" in form:
        form["certificates"] = [{"certificateArn": form.pop("certificateArn")}]
    if "alpnPolicy" in form:
        form["alpnPolicy"] = [form["alpnPolicy"]]
    if "conditions" in form:
        form["conditions"] = [_condition(condition) for condition in form["conditions"]]
    return form


_CONDITIONS = {
    "hostHeader": "host-header",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "pathPattern": "path-pattern",
    "queryStrings": "query-string",
    "sourceIp": "source-ip",
}


def _condition(given: Mapping[str, Any]) -> dict[str, Any]:
    (name,) = (name for name in _CONDITIONS if given.get(name) is not None)
    block = given[name]
    if name == "queryStrings":
        return {"field": _CONDITIONS[name], "queryStringConfig": {"values": block}}
    return {"field": _CONDITIONS[name], f"{name}Config": block}


_ACTION_NAMES = {"targetGroup": "TargetGroups"}
_LISTENER = (
    "port",
    "protocol",
    "sslPolicy",
    "certificateArn",
    "alpnPolicy",
    "defaultActions",
    "mutualAuthentication",
)
_RESPONSE_HEADERS = {
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        "routing.http.response.strict_transport_security.header_value"
    ),
    "routingHttpResponseContentSecurityPolicyHeaderValue": (
        "routing.http.response.content_security_policy.header_value"
    ),
    "routingHttpResponseXContentTypeOptionsHeaderValue": (
        "routing.http.response.x_content_type_options.header_value"
    ),
    "routingHttpResponseXFrameOptionsHeaderValue": (
        "routing.http.response.x_frame_options.header_value"
    ),
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
}


def _listener(subject: Subject) -> dict[str, str]:
    return {"ListenerArn": subject.id}


LISTENER = AwsDriver(
    service="elbv2",
    create_by=Call(
        "create_listener",
        takes=("loadBalancerArn", *_LISTENER),
        reshape=_actions,
        rename=_ACTION_NAMES,
    ),
    read_by=Call("describe_listeners", given=lambda s: {"ListenerArns": [s.id]}),
    updates=(
        Call(
            "modify_listener",
            given=_listener,
            takes=_LISTENER,
            reshape=_actions,
            rename=_ACTION_NAMES,
        ),
        _attributes("listener", _RESPONSE_HEADERS, {}),
    ),
    delete_by=(Call("delete_listener", given=_listener),),
    id_is="Listeners[0].ListenerArn",
    outputs_are={"arn": lambda s: s.id},
    tagging=_TAGGING,
    replaced_by=frozenset({"loadBalancerArn"}),
)


def _rule(subject: Subject) -> dict[str, str]:
    return {"RuleArn": subject.id}


def _set_priority(subject: Subject) -> None:
    subject.api.set_rule_priorities(
        RulePriorities=[{**_rule(subject), "Priority": int(subject.inputs["priority"])}]
    )


LISTENER_RULE = AwsDriver(
    service="elbv2",
    create_by=Call("create_rule", reshape=_actions, rename=_ACTION_NAMES),
    read_by=Call("describe_rules", given=lambda s: {"RuleArns": [s.id]}),
    updates=(
        Step({"priority"}, _set_priority),
        Call(
            "modify_rule",
            given=_rule,
            takes=("conditions", "actions", "transforms"),
            reshape=_actions,
            rename=_ACTION_NAMES,
        ),
    ),
    delete_by=(Call("delete_rule", given=_rule),),
    id_is="Rules[0].RuleArn",
    outputs_are={"arn": lambda s: s.id},
    tagging=_TAGGING,
    replaced_by=frozenset({"listenerArn"}),
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
        _attributes(
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
    tagging=_TAGGING,
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


def _pair(inputs: Inputs) -> Inputs:
    return {
        "listenerArn": inputs["listenerArn"],
        "certificates": [{"certificateArn": inputs["certificateArn"]}],
    }


LISTENER_CERTIFICATE = AwsDriver(
    service="elbv2",
    create_by=Call(
        "add_listener_certificates", takes=("listenerArn", "certificateArn"), reshape=_pair
    ),
    delete_by=(
        Call(
            "remove_listener_certificates",
            takes=("listenerArn", "certificateArn"),
            reshape=_pair,
        ),
    ),
    id_is=joined("_", "listenerArn", "certificateArn"),
    replaced_by=frozenset({"listenerArn", "certificateArn"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:lb/loadBalancer:LoadBalancer": LOAD_BALANCER,
    "aws:lb/listener:Listener": LISTENER,
    "aws:lb/listenerRule:ListenerRule": LISTENER_RULE,
    "aws:lb/targetGroup:TargetGroup": TARGET_GROUP,
    "aws:lb/listenerCertificate:ListenerCertificate": LISTENER_CERTIFICATE,
}
