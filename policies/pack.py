"""The rules as a Pulumi policy pack, which reads the stack that Pulumi is about to make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from catalog.faults import CatalogFaults
from catalog.load import CatalogNotFoundError, find_root, load
from policies.registry import rules
from policies.stack import Stack
from rehearsal.graph import STACK_TYPE, Graph, Resource
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_policy import PolicyResource, ReportViolation

    from catalog.suppressions import Suppression
    from policies.rule import Rule

NAME = "patchworks"
LISTENER = "what-is-asked-for"
"""The policy that judges nothing: it notes each resource's inputs for the rules."""
ENFORCEMENT = {
    "high": EnforcementLevel.MANDATORY,
    "medium": EnforcementLevel.ADVISORY,
    "low": EnforcementLevel.ADVISORY,
}
Asked = dict[str, dict[str, Any]]
"""The inputs of resources, by URN."""


def serve() -> None:
    """Answer Pulumi until it ends this process."""
    asked: Asked = {}
    known = accepted()
    judging = [policy(rule, asked, known) for rule in rules()]
    PolicyPack(NAME, policies=[listener(asked), *judging])


def accepted() -> Sequence[Suppression]:
    """What the catalog accepts for a while; nothing where it can't be read."""
    try:
        return load(find_root()).organization.suppressions
    except (CatalogNotFoundError, CatalogFaults):
        # The program that is judged stops at the same.
        return ()


def listener(asked: Asked) -> ResourceValidationPolicy:
    """Notes what the program asks for, resource by resource.

    Of a whole stack Pulumi shows what the cloud has answered. There stand defaults that nobody
    asked for: an endpoint's policy for everybody, groups that EKS gives to nodes.
    """

    def note(arguments: ResourceValidationArgs, _: ReportViolation) -> None:
        asked[arguments.urn] = plain(arguments.props)

    return ResourceValidationPolicy(
        name=LISTENER,
        description="Notes what each resource is asked to be, for the rules to judge.",
        validate=note,
        enforcement_level=EnforcementLevel.ADVISORY,
    )


def policy(rule: Rule, asked: Asked, known: Sequence[Suppression]) -> StackValidationPolicy:
    """A rule as Pulumi asks it: of a whole stack."""

    def validate(arguments: StackValidationArgs, report: ReportViolation) -> None:
        try:
            stack = graph(arguments.resources, asked)
            problems = rule.problems(Stack(stack))
        except Exception as error:
            # Pulumi would end here, without what the other rules have to say.
            report(f"the rule failed: {type(error).__name__}: {error}", None)
            return
        for verdict in problems:
            name = verdict.resource.name if verdict.resource is not None else ""
            if any(each.covers(rule.name, stack.stack, name) for each in known):
                continue
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


def graph(resources: Sequence[PolicyResource], asked: Mapping[str, dict[str, Any]]) -> Graph:
    """The graph that Pulumi's own resources make, with what was asked of each."""
    stack = resources[0].urn.split("::")[0].removeprefix("urn:pulumi:") if resources else ""
    found: dict[str, Resource] = {}
    exports: dict[str, Any] = {}
    for each in resources:
        found[each.urn] = resource(each, asked.get(each.urn))
        if each.resource_type == STACK_TYPE:
            exports = plain(each.props)
    return Graph(stack=stack, resources=found, exports=exports)


def resource(given: PolicyResource, asked: dict[str, Any] | None) -> Resource:
    """One resource: what was asked, and what the cloud has answered as far as that is known.

    What no program of this run asked for, such as what `--target` leaves out, is judged by the
    answer.
    """
    answered = plain(given.props)
    return Resource(
        urn=given.urn,
        type=given.resource_type,
        name=given.name,
        custom=not given.resource_type.startswith(("eks:", "patchworks:")),
        remote=given.resource_type.startswith("eks:"),
        inputs=answered if asked is None else asked,
        outputs={key: value for key, value in answered.items() if value is not UNKNOWN},
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
                held = plain(value[key])
            except UnknownValueError:
                held = UNKNOWN
            # What is not set, providers answer as null.
            if held is not None:
                found[key] = held
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
