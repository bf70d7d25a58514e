"""Drivers for load balancers' listeners, their rules and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, joined
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_load_balancing import LOAD_BALANCING_TAGGING, attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drivers.base import Driver, Inputs


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
        attributes("listener", _RESPONSE_HEADERS, {}),
    ),
    delete_by=(Call("delete_listener", given=_listener),),
    id_is="Listeners[0].ListenerArn",
    outputs_are={"arn": lambda s: s.id},
    tagging=LOAD_BALANCING_TAGGING,
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
    tagging=LOAD_BALANCING_TAGGING,
    replaced_by=frozenset({"listenerArn"}),
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
    "aws:lb/listener:Listener": LISTENER,
    "aws:lb/listenerRule:ListenerRule": LISTENER_RULE,
    "aws:lb/listenerCertificate:ListenerCertificate": LISTENER_CERTIFICATE,
}
