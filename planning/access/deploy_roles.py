"""The role that deploys a stack, and those it takes in other accounts.

A deploy role is known by its trust, GitHub's tokens of jobs in the environment's own protected
environment, and by its name's end, since the role that moves tenants has the same trust.
What it may do is its policies, within its boundary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from planning.access import managed
from planning.access.documents import DocumentError, Statement, parse
from planning.access.principals import POLICY, ROLE

if TYPE_CHECKING:
    from rehearsal.graph import Graph, Resource

_SUBJECT = "token.actions.githubusercontent.com:sub"
_PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True, eq=False)
class Role:
    """A role of the organization, and what limits it."""

    name: str
    arn: str
    account: str
    policies: tuple[tuple[Statement, ...], ...]
    """What the role's own policies allow together, then its boundary where it has one."""
    written: tuple[Statement, ...]
    """The statements of its own policies."""
    opaque: tuple[str, ...] = ()
    """Policies of its own that nothing here has the text of."""


@lru_cache(maxsize=8)
def roles(organization: _ByIdentity) -> dict[str, Role]:
    """Every role of the organization's graph that is in a known account, by its ARN."""
    graph = organization.graph
    found = {}
    for resource in graph.of_type(ROLE):
        arn = resource.outputs.get("arn")
        if isinstance(arn, str) and arn.startswith("arn:"):
            found[arn] = _role(resource, arn, graph)
    return found


@dataclass(frozen=True)
class _ByIdentity:
    """A graph as the key of a cache: the same object is the same graph."""

    graph: Graph

    def __hash__(self) -> int:
        return id(self.graph)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.graph is self.graph


def roles_of(organization: Graph) -> dict[str, Role]:
    """The roles of a graph, read once for as long as it is in use."""
    return roles(_ByIdentity(organization))


def deploy_role(stack: Graph, organization: Graph) -> Role | None:
    """The role whose trust names the stack's environment; None where there is none, or several."""
    environment = environment_of(stack)
    found = [
        role
        for resource in organization.of_type(ROLE)
        if environment and environment in environments_trusted(resource)
        for role in (roles_of(organization).get(str(resource.outputs.get("arn"))),)
        if role is not None and role.name.endswith(f"-ci-deploy-{environment}")
    ]
    return found[0] if len(found) == 1 else None


def environment_of(stack: Graph) -> str:
    """The environment that a stack's providers tag everything with; empty where they do not."""
    for provider in stack.of_type(_PROVIDER):
        tags = _json(provider.inputs.get("defaultTags"))
        environment = (
            (tags.get("tags") or {}).get("environment") if isinstance(tags, dict) else None
        )
        if isinstance(environment, str):
            return environment
    return ""


def environments_trusted(role: Resource) -> list[str]:
    """GitHub's environments whose jobs a role's trust lets in."""
    try:
        statements = parse(str(role.inputs.get("assumeRolePolicy")))
    except DocumentError:
        return []
    return [
        value.rpartition(":environment:")[2]
        for statement in statements
        if statement.allows
        for condition in statement.conditions
        for _, key, values in condition
        for value in values
        if key == _SUBJECT and ":environment:" in value
    ]


def taken_by(provider: Resource) -> list[str]:
    """The ARNs of the roles that a provider takes, the last of which it calls AWS as."""
    given = _json(provider.inputs.get("assumeRoles"))
    return [
        str(each["roleArn"])
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, dict) and "roleArn" in each
    ]


def _role(role: Resource, arn: str, graph: Graph) -> Role:
    name = str(role.inputs.get("name", role.name))
    own: list[Statement] = []
    opaque: list[str] = []
    for policy in graph.of_type("aws:iam/rolePolicy:RolePolicy"):
        if policy.provider == role.provider and policy.inputs.get("role") in (name, role.id, arn):
            own += _statements(policy.inputs.get("policy"))
    attached: list[Any] = []
    for attachment in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        given = attachment.inputs.get
        if attachment.provider == role.provider and given("role") in (name, role.id, arn):
            attached.append(given("policyArn"))
    inline, arns = role.inputs.get("inlinePolicies"), role.inputs.get("managedPolicyArns")
    for each in inline if isinstance(inline, list) else ():
        own += _statements(each.get("policy") if isinstance(each, dict) else None)
    for policy_arn in (*attached, *(arns if isinstance(arns, list) else ())):
        found = _managed(policy_arn, graph)
        own += found or ()
        if found is None:
            opaque.append(str(policy_arn))
    policies: list[tuple[Statement, ...]] = [tuple(own)]
    boundary = role.inputs.get("permissionsBoundary")
    if boundary is not None:
        policies.append(_managed(boundary, graph) or ())
    account = arn.split(":")[4]
    return Role(name, arn, account, tuple(policies), tuple(own), tuple(opaque))


def _managed(arn: Any, graph: Graph) -> tuple[Statement, ...] | None:
    """The statements of a policy of the graph's or AWS's own; None where neither has it."""
    for policy in graph.of_type(POLICY):
        placeholder = graph.placeholders.get(str(arn), ("",))[0]
        if policy.outputs.get("arn") == arn or placeholder == policy.urn:
            return _statements(policy.inputs.get("policy"))
    return managed.statements_of(str(arn))


def _statements(text: Any) -> tuple[Statement, ...]:
    try:
        return parse(text) if isinstance(text, str) else ()
    except DocumentError:
        return ()


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
