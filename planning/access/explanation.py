"""The least policy with which a stack can be deployed, and why each action is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planning.access.deploy import rights_of, unneeded
from planning.access.deploy_roles import taken_by
from planning.access.needs import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planning.access.deploy import Rights
    from planning.access.needs import Need
    from rehearsal.graph import Graph

GLOBAL = frozenset({"cloudfront", "iam", "organizations", "route53", "sts"})
"""Services without regions: a condition on the region would be one on us-east-1."""
MOST_INLINE = 10_240
"""Characters that a role's inline policies may have, white space aside.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@dataclass(frozen=True, slots=True)
class Reason:
    """One action, what it is needed on, and by which handlers of which types."""

    role: str
    action: str
    resources: tuple[str, ...]
    needed_by: tuple[str, ...]
    """Such as `aws:ec2/vpc:Vpc (create, delete)`."""
    granted: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a stack's deployment needs of each role that takes part in it."""

    stack: str
    role: str
    reasons: tuple[Reason, ...]
    policies: Mapping[str, Mapping[str, Any]]
    """The least policy of each role, by its name."""
    not_needed: tuple[tuple[str, int], ...]
    """Patterns of the deploy role that nothing of this stack needs, and their number of actions."""
    not_known: tuple[str, ...]

    def missing(self) -> list[Reason]:
        """What is needed and not granted."""
        return [reason for reason in self.reasons if not reason.granted]

    def to_json(self) -> dict[str, Any]:
        """The whole, as JSON can hold it."""
        return {
            "stack": self.stack,
            "role": self.role,
            "needs": [
                {
                    "role": reason.role,
                    "action": reason.action,
                    "resources": list(reason.resources),
                    "needed_by": list(reason.needed_by),
                    "granted": reason.granted,
                }
                for reason in self.reasons
            ],
            "policies": dict(self.policies),
            "not_needed": [
                {"pattern": pattern, "actions": count} for pattern, count in self.not_needed
            ],
            "not_known": list(self.not_known),
        }


def explain(stack: Graph, organization: Graph) -> Explanation:
    """What the deployment of a stack needs, by the organization's roles."""
    found = rights_of(stack, organization)
    roles = _roles(stack, found)
    lacking = {need for need, _ in found.missing}
    needs = list(dict.fromkeys((*found.needs.needs, *lacking)))
    needs += [need for need in _taking(stack) if need not in lacking]
    by_role: dict[str, list[Need]] = {}
    for need in needs:
        by_role.setdefault(roles.get(need.provider, roles[""]), []).append(need)
    return Explanation(
        stack=stack.stack,
        role=found.role.name if found.role is not None else "",
        reasons=tuple(
            reason for role, each in by_role.items() for reason in _reasons(role, each, lacking)
        ),
        policies={role: _policy(each, stack) for role, each in by_role.items()},
        not_needed=tuple(unneeded(found)),
        not_known=found.not_known,
    )


def size(policy: Mapping[str, Any]) -> int:
    """A policy's characters as IAM counts them."""
    return len(json.dumps(policy, separators=(",", ":")))


def _roles(stack: Graph, found: Rights) -> dict[str, str]:
    """The role that each provider calls AWS as, by the provider's URN; the deploy role by none."""
    own = found.role.name if found.role is not None else "the deploy role"
    roles = {"": own}
    for provider in stack.of_type("pulumi:providers:aws"):
        taken = taken_by(provider)
        roles[provider.urn] = taken[-1].rpartition("/")[2] if taken else own
    return roles


def _taking(stack: Graph) -> list[Need]:
    from planning.access.needs import Need

    return [
        Need("sts:AssumeRole", arn, provider.type, ("create",), "")
        for provider in stack.of_type("pulumi:providers:aws")
        for arn in taken_by(provider)[:1]
    ]


def _reasons(role: str, needs: Iterable[Need], lacking: set[Need]) -> list[Reason]:
    by_action: dict[str, list[Need]] = {}
    for need in needs:
        by_action.setdefault(need.action, []).append(need)
    found = []
    for action, each in sorted(by_action.items(), key=lambda item: item[0].lower()):
        types: dict[str, dict[str, None]] = {}
        for need in each:
            types.setdefault(need.type, {}).update(dict.fromkeys(need.handlers))
        found.append(
            Reason(
                role=role,
                action=action,
                resources=_resources(each),
                needed_by=tuple(f"{type} ({', '.join(known)})" for type, known in types.items()),
                granted=not any(need in lacking for need in each),
            )
        )
    return found


def _resources(needs: Iterable[Need]) -> tuple[str, ...]:
    targets = {need.target for need in needs}
    return (ANY,) if ANY in targets else tuple(sorted(targets))


def _policy(needs: Iterable[Need], stack: Graph) -> dict[str, Any]:
    """One statement for each set of resources, regional actions apart from global ones."""
    regions = sorted(
        {
            str(provider.inputs.get("region"))
            for provider in stack.of_type("pulumi:providers:aws")
            if not taken_by(provider)
        }
    )
    by_action: dict[str, list[Need]] = {}
    for need in needs:
        by_action.setdefault(need.action, []).append(need)
    statements: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for action, each in by_action.items():
        resources = _resources(each)
        regional = resources == (ANY,) and action.partition(":")[0] not in GLOBAL
        statements.setdefault((resources, regional), []).append(action)
    document: list[dict[str, Any]] = []
    for (resources, regional), actions in sorted(statements.items()):
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": sorted(actions, key=str.lower),
            "Resource": resources[0] if len(resources) == 1 else list(resources),
        }
        if regional:
            statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": regions}}
        document.append(statement)
    return {"Version": "2012-10-17", "Statement": document}
