"""The shipped catalog's graphs, evaluated once."""

import pytest

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation

STACKS = ("organization", "cell.prod-eu-west-1", "tenant.brightwater", "tenant.aurelia-health")


@pytest.fixture(scope="session")
def graphs():
    evaluation = Evaluation(load(find_root()))
    return {stack: evaluation.evaluate(stack) for stack in STACKS}
