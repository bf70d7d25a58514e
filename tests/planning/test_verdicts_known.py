"""Of every input that the shipped stacks give, it is known whether changing it replaces."""

from collections.abc import Iterator

import pytest

from catalog.load import find_root, load
from planning.replacement.forces import verdict
from rehearsal.evaluation import Evaluation
from rehearsal.graph import STACK_REFERENCE_TYPE

NOT_KNOWN = {
    # CloudFormation replaces for these in some cases, and does not say in which.
    ("aws:accessanalyzer/analyzer:Analyzer", "configuration"),
    ("aws:rds/clusterInstance:ClusterInstance", "performanceInsightsKmsKeyId"),
}


@pytest.fixture(scope="module")
def given() -> set[tuple[str, str]]:
    """Every type of resource, with every input that some stack gives it."""
    evaluation = Evaluation(load(find_root()))
    stacks = ("organization", "cell.prod-eu-west-1", "tenant.aurelia-health")
    return {pair for stack in stacks for pair in inputs(evaluation, stack)}


def inputs(evaluation: Evaluation, stack: str) -> Iterator[tuple[str, str]]:
    for resource in evaluation.evaluate(stack).resources.values():
        if resource.custom and resource.type != STACK_REFERENCE_TYPE:
            yield from ((resource.type, name) for name in resource.inputs)


def test_no_input_is_without_an_answer(given: set[tuple[str, str]]) -> None:
    unknown = {(type, name) for type, name in given if verdict(type, name, {}).answer == "unknown"}
    assert unknown == NOT_KNOWN


def test_enough_was_looked_at(given: set[tuple[str, str]]) -> None:
    assert len({type for type, _ in given}) > 100
