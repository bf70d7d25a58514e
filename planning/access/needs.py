"""What a stack's deployment must be allowed to do, derived from the types of its resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from planning import cloudformation
from planning.access.actions import database, expand
from planning.access.provider_calls import FEATURES, OWN
from planning.access.wildcards import matching
from rehearsal.values import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.graph import Graph, Resource

HANDLERS = ("create", "read", "update", "delete")
"""`list` is left out: it finds what CloudFormation does not know of, which Pulumi never asks."""
ANY = "*"
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+")


@dataclass(frozen=True, slots=True)
class Need:
    """One action on one resource."""

    action: str
    target: str
    """The resource's ARN where it is known before it is there, or `*`."""
    type: str
    """The Pulumi type whose handlers call it."""
    handlers: tuple[str, ...]
    provider: str
    """The URN of the provider that calls it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """All that one stack's deployment needs, and what can't be told of it."""

    needs: tuple[Need, ...]
    unknown_types: tuple[str, ...]
    """AWS types of which nothing says what they need."""


def needs_of(graph: Graph) -> Needs:
    """What the deployment of a stack must be allowed to do."""
    found: dict[Need, None] = {}
    unknown: dict[str, None] = {}
    for resource in graph.resources.values():
        if not (resource.custom and resource.type.startswith("aws:")):
            if resource.type in OWN and resource.inputs.get("awsRdsIamAuth") == "true":
                found[Need("rds-db:connect", ANY, resource.type, ("create",), "")] = None
            continue
        calls = calls_of(resource.type)
        if calls is None:
            unknown[resource.type] = None
            continue
        own = arn_of(resource, graph)
        inputs = _Inputs(resource)
        for action, handlers in calls.items():
            if not inputs.use(action):
                continue
            for target in _targets(action, own, inputs):
                provider = resource.provider or ""
                found[Need(action, target, resource.type, handlers, provider)] = None
    return Needs(tuple(found), tuple(unknown))


@cache
def calls_of(type: str) -> Mapping[str, tuple[str, ...]] | None:
    """The actions that a type's handlers call, with those handlers; None where nothing tells.

    What a schema lists and the database of actions lacks is left out: nearly all are slips of the
    schema, such as `s3:PutBucketReplication`, and a few are newer than the database.
    """
    calls: Mapping[str, tuple[str, ...]] | None = OWN.get(type)
    if calls is None:
        name = cloudformation.type_of(type)
        handlers = cloudformation.schema(name).get("handlers") if name is not None else None
        if not handlers:
            return None
        calls = {each: tuple(handlers.get(each, {}).get("permissions", ())) for each in HANDLERS}
    found: dict[str, list[str]] = {}
    for handler in HANDLERS:
        for pattern in calls.get(handler, ()):
            for action in [pattern] if "*" in pattern else expand(pattern).names():
                if expand(action).bits and handler not in found.setdefault(action, []):
                    found[action].append(handler)
    return {action: tuple(each) for action, each in sorted(found.items())}


class _Inputs:
    """What a resource uses of its type's features, and the roles that it hands to services."""

    def __init__(self, resource: Resource) -> None:
        self._features = FEATURES.get(resource.type, {})
        self._inputs = resource.inputs
        self._texts: list[str] = []
        self._roles: set[str] = set()
        self._is_read = False

    @property
    def roles(self) -> set[str]:
        """The ARNs of the roles that are named in the inputs, policy documents aside."""
        self._read_once()
        return self._roles

    def _read_once(self) -> None:
        # Most types have neither roles nor features, and there are many of them.
        if not self._is_read:
            self._is_read = True
            self._read(self._inputs)

    def _read(self, value: Any) -> None:
        match value:
            case dict():
                for key, item in value.items():
                    self._texts.append(str(key))
                    self._read(item)
            case list():
                for item in value:
                    self._read(item)
            case str():
                self._texts.append(value)
                if "arn:aws:iam::" in value and not value.lstrip().startswith("{"):
                    self._roles.update(_ROLE.findall(value))
            case _:
                pass

    def use(self, action: str) -> bool:
        if action == "iam:PassRole":
            return bool(self.roles)
        for pattern, feature in self._features.items():
            if matching(pattern).fullmatch(action):
                self._read_once()
                return any(feature in text for text in self._texts)
        return True


def _targets(action: str, own: str, inputs: _Inputs) -> Iterator[str]:
    if action == "iam:PassRole":
        yield from sorted(inputs.roles)
    elif own and any(shape.fullmatch(own) for shape in _shapes(action)):
        yield own
    else:
        yield ANY


@lru_cache(maxsize=2048)
def _shapes(action: str) -> tuple[re.Pattern[str], ...]:
    """The ARNs that an action can be limited to."""
    return tuple(
        re.compile(re.sub(r"\\\$\\\{\w+\\\}|\\\*", ".*", re.escape(arn)))
        for arn in database().arns.get(action.lower(), ())
    )


def arn_of(resource: Resource, graph: Graph) -> str:
    """A resource's ARN, as far as its name is known before it is there; empty where it is not.

    A setting of another resource has that one's.
    """
    arn = resource.outputs.get("arn")
    if isinstance(arn, str) and arn.startswith("arn:"):
        return arn
    get = resource.inputs.get
    region, account = _place(resource, graph)
    match resource.type.split(":")[1].partition("/"):
        case ("s3", _, _) if isinstance(get("bucket"), str):
            return f"arn:aws:s3:::{_named(get('bucket'), graph)}"
        case ("iam", _, "rolePolicy" | "rolePolicyAttachment"):
            return f"arn:aws:iam::{account}:role/{_named(get('role'), graph)}"
        case ("iam", _, "instanceProfile"):
            return f"arn:aws:iam::{account}:instance-profile/{get('name', resource.name)}"
        case ("secretsmanager", _, "secret"):
            name = get("name", resource.name)
            return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-000000"
        case ("secretsmanager", _, _):
            urn = graph.placeholders.get(str(get("secretId") or get("secretArn")), ("",))[0]
            secret = graph.resources.get(urn)
            return arn_of(secret, graph) if secret is not None else ""
        case ("route53", _, "record"):
            return f"arn:aws:route53:::hostedzone/{get('zoneId')}"
        case _:
            return ""


def _named(value: Any, graph: Graph) -> str:
    urn = value.urn if isinstance(value, Reference) else ""
    if not urn and isinstance(value, str):
        urn = graph.placeholders.get(value, ("",))[0]
    resource = graph.resources.get(urn)
    if resource is None:
        return str(value)
    name = resource.inputs.get("bucket") or resource.inputs.get("name") or resource.name
    return str(name)


def _place(resource: Resource, graph: Graph) -> tuple[str, str]:
    provider = graph.resources.get(resource.provider or "")
    if provider is None:
        return "*", "*"
    region = provider.inputs.get("region")
    accounts = re.findall(r"\d{12}", str(provider.inputs.get("allowedAccountIds")))
    return str(region), accounts[0] if len(accounts) == 1 else "*"
