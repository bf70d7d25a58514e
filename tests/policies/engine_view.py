"""A graph as Pulumi's engine shows it to policies: what was asked, and what was answered."""

import re
from dataclasses import dataclass
from types import SimpleNamespace

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import unknown_checking_proxy

from rehearsal.graph import STACK_TYPE
from rehearsal.values import Secret, Unknown

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine sends a text that it does not know yet."""
PLACEHOLDER = re.compile(r"<[A-Z]\w* [^<>]*>")
OPEN = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
ANSWERED = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"policy": OPEN},
    "aws:eks/accessEntry:AccessEntry": {"kubernetesGroups": ["system:nodes"]},
    "aws:rds/cluster:Cluster": {"masterPassword": None},
    "aws:sns/topic:Topic": {"policy": OPEN},
    "aws:sqs/queue:Queue": {"policy": OPEN},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "cidrIpv4": None, "cidrIpv6": None, "prefixListId": None, "referencedSecurityGroupId": None
    },
}  # fmt: skip
"""What AWS answers, or its provider, where nothing was asked."""


@dataclass(frozen=True)
class View:
    """What the engine has: inputs and outputs of each resource, by URN, and the stack's outputs."""

    asked: dict
    answered: dict
    exports: dict


def first_preview(graph):
    """Nothing exists: what only the cloud can give is unknown, and all that is made of it."""
    computed, asked = {}, {}
    for urn, each in graph.resources.items():
        given = set(_texts(each.inputs))
        computed[urn] = {text for text in _texts(each.outputs) if text not in given}
        asked[urn] = {}
        for key, value in each.inputs.items():
            of = each.property_dependencies.get(key) or _given_to_maker(graph, each)
            unknown = {text for dependency in of for text in computed.get(dependency, ())}
            asked[urn][key] = _sent(value, lambda text, unknown=unknown: _blank(text, unknown))
            # What it repeats of what it was given is not known either.
            computed[urn] |= {text for text in _texts(value) if _blank(text, unknown) != text}
    exports = _sent(dict(graph.exports), lambda text: _blank(text, set().union(*computed.values())))
    return View(asked, dict(asked), exports)


def later_update(graph):
    """All exists: inputs are known, and the cloud has answered more than it was asked."""
    asked, answered = {}, {}
    for urn, each in graph.resources.items():
        asked[urn] = _sent(each.inputs, _made)
        beside = {**ANSWERED.get(each.type, {}), **_sent(each.outputs, _made)}
        if each.custom and each.id is not None:
            beside["id"] = _made(each.id)
        answered[urn] = {**beside, **asked[urn]}
    return View(asked, answered, _sent(dict(graph.exports), _made))


def _given_to_maker(graph, resource):
    """What the remote component was given that made a resource, if one did."""
    parent = graph.resources.get(resource.parent or "")
    while parent is not None and not parent.remote:
        parent = graph.resources.get(parent.parent or "")
    if parent is None:
        return ()
    return {*parent.dependencies, *(u for of in parent.property_dependencies.values() for u in of)}


def policy_resources(graph, answered, exports=None):
    """The resources as a policy is given them, the stack itself among them."""
    found = {
        urn: PolicyResource(
            each.type,
            unknown_checking_proxy(answered[urn]),
            urn,
            each.name,
            SimpleNamespace(protect=each.protect),
            None,
            None,
            [],
            {},
        )
        for urn, each in graph.resources.items()
    }
    for urn, each in graph.resources.items():
        found[urn].parent = found.get(each.parent)
        found[urn].provider = found.get(each.provider)
        found[urn].dependencies = [found[d] for d in each.dependencies if d in found]
        found[urn].property_dependencies = {
            key: [found[d] for d in urns if d in found]
            for key, urns in each.property_dependencies.items()
        }
    urn = f"urn:pulumi:{graph.stack}::patchworks::{STACK_TYPE}::patchworks-{graph.stack}"
    options = SimpleNamespace(protect=False)
    props = unknown_checking_proxy(exports or {})
    stack = PolicyResource(STACK_TYPE, props, urn, graph.stack, options, None, None, [], {})
    # The engine keeps no order.
    return [*reversed(found.values()), stack]


def _texts(value):
    match value:
        case str():
            yield value
        case Secret():
            yield from _texts(value.value)
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _blank(text, unknown):
    if PLACEHOLDER.search(text) or any(len(each) > 8 and each in text for each in unknown):
        return UNKNOWN_TEXT
    return text


def _made(text):
    """A text in which what stands for an id is one."""

    def real(found):
        words = re.sub(r"\W+", "-", found[0][1:-1])
        return f"arn:aws:any:eu-west-1:111111111111:{words}" if "arn" in words.lower() else words

    return PLACEHOLDER.sub(real, text)


def _sent(value, text):
    match value:
        case Secret():
            return _sent(value.value, text)
        case Unknown():
            return UNKNOWN_TEXT
        case dict():
            return {key: _sent(item, text) for key, item in value.items()}
        case list():
            return [_sent(item, text) for item in value]
        case str():
            return text(value)
        case _:
            return value
