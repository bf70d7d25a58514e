"""The rules as a Pulumi policy pack, which reads the stack that Pulumi is about to make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies.registry import rules
from policies.stack import Stack
from rehearsal.graph import STACK_TYPE, Graph, Resource
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from pulumi_policy import PolicyResource, ReportViolation

    from policies.rule import Rule

NAME = "patchworks"
ENFORCEMENT = {
    "high": EnforcementLevel.MANDATORY,
    "medium": EnforcementLevel.ADVISORY,
    "low": EnforcementLevel.ADVISORY,
}
"""What is accepted for a while is suppressed in the catalog, which plans read and Pulumi does not:
Pulumi's own configuration of the pack turns a rule off there."""


def serve() -> None:
    """Answer Pulumi until it ends this process."""
    PolicyPack(NAME, policies=[policy(rule) for rule in rules()])


def policy(rule: Rule) -> StackValidationPolicy:
    """A rule as Pulumi asks it: of a whole stack."""

    def validate(arguments: StackValidationArgs, report: ReportViolation) -> None:
        try:
            problems = rule.problems(Stack(graph(arguments.resources)))
        except Exception as error:
            # Pulumi would end here, without what the other rules have to say.
            report(f"the rule failed: {type(error).__name__}: {error}", None)
            return
        for verdict in problems:
            urn = verdict.resource.urn if verdict.resource is not None else None
            report(f"{rule.sentence}: {verdict.problem}. {rule.remedy}", urn)

    return StackValidationPolicy(
        name=rule.name,
        description=f"{rule.sentence}. {rule.why}",
        validate=validate,
        enforcement_level=ENFORCEMENT[rule.severity],
        severity=Severity(rule.severity),
        remediation_steps=rule.remedy,
    )


def graph(resources: list[PolicyResource]) -> Graph:
    """The graph that Pulumi's own resources make."""
    stack = resources[0].urn.split("::")[0].removeprefix("urn:pulumi:") if resources else ""
    found: dict[str, Resource] = {}
    exports: dict[str, Any] = {}
    for each in resources:
        made = resource(each)
        found[each.urn] = made
        if each.resource_type == STACK_TYPE:
            exports = made.inputs
    return Graph(stack=stack, resources=found, exports=exports)


def resource(given: PolicyResource) -> Resource:
    """One resource, of which a preview knows inputs, and what outputs there are already."""
    values = plain(given.props)
    return Resource(
        urn=given.urn,
        type=given.resource_type,
        name=given.name,
        custom=not given.resource_type.startswith("patchworks:"),
        inputs=values,
        outputs={key: value for key, value in values.items() if value is not UNKNOWN},
        parent=given.parent.urn if given.parent else None,
        provider=given.provider.urn if given.provider else None,
        dependencies=tuple(each.urn for each in given.dependencies),
        property_dependencies={
            key: tuple(each.urn for each in values)
            for key, values in given.property_dependencies.items()
        },
        protect=bool(given.opts.protect),
        # Pulumi tells policies nothing of it.
        retain_on_delete=True,
    )


def plain(value: Any) -> Any:
    """A property as a graph holds it; asking Pulumi for what it does not know raises an error."""
    if hasattr(value, "items"):
        found = {}
        for key in value:
            try:
                found[key] = plain(value[key])
            except UnknownValueError:
                found[key] = UNKNOWN
        return found
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    items = []
    for index in range(len(value)):
        try:
            items.append(plain(value[index]))
        except UnknownValueError:
            items.append(UNKNOWN)
    return items
