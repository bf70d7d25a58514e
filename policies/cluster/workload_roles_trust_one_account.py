"""A workload's role trusts one cluster, one namespace and one service account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.documents import conditions
from policies.resource_types import ROLE
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from policies.workloads import associations
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

TAGS = {
    "kubernetes-namespace": "namespace",
    "kubernetes-service-account": "serviceAccount",
}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Roles whose trust is wider than their association."""
    for resource, association in associations(stack):
        role = stack.found(at(association, "roleArn"), ROLE)
        if role is None:
            if at(association, "roleArn") is not UNKNOWN and stack.kind != "organization":
                yield Verdict(resource, "its role is not declared beside it")
            continue
        problems = list(trusted(stack, role, association))
        yield from (Verdict(role, problem) for problem in problems)
        if not problems:
            yield Verdict(role)


def trusted(stack: Stack, role: Resource, association: dict[str, Any]) -> Iterator[str]:
    """What a role's trust lacks."""
    statements = stack.statements.get((role.urn, "assumeRolePolicy"), [])
    if at(role.inputs, "assumeRolePolicy") is UNKNOWN:
        return
    if len(statements) != 1:
        yield f"assumeRolePolicy has {len(statements)} statements, not one"
        return
    (statement,) = statements
    if statement.get("Principal") != {"Service": "pods.eks.amazonaws.com"}:
        yield f"assumeRolePolicy trusts {shown(statement.get('Principal'))}"
    demanded = conditions(statement)
    for tag, key in TAGS.items():
        if demanded.get(f"aws:RequestTag/{tag}") != [at(association, key)]:
            yield f"assumeRolePolicy does not demand {tag} {shown(at(association, key))}"
    clusters = demanded.get("aws:RequestTag/eks-cluster-arn", [])
    cluster = at(association, "clusterName")
    if [str(each).rpartition(":cluster/")[2] for each in clusters] != [cluster]:
        yield f"assumeRolePolicy does not demand the cluster {shown(cluster)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Pod Identity's service principal is the same for all clusters of an account: "
    "without the conditions any pod that someone associates may use the role.",
    remedy="Demand the request tags eks-cluster-arn, kubernetes-namespace and kubernetes- "
    "service-account.",
    evaluate=evaluate,
)
