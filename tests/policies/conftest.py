"""The shipped catalog's graphs, evaluated once."""

import pytest

from catalog.load import find_root, load
from catalog.tenant import Served
from rehearsal.evaluation import Evaluation

STACKS = ("organization", "cell.prod-eu-west-1", "tenant.brightwater", "tenant.aurelia-health")
ONE, OTHER = "prod-eu-west-1", "prod-us-east-1"
PEERING = f"peering.{ONE}.{OTHER}"
SPANNING = Served(cell=ONE, database="pool-a", spans=(f"{ONE}/pool-a", f"{OTHER}/pool-b"))


@pytest.fixture(scope="session")
def graphs():
    evaluation = Evaluation(load(find_root()))
    joined = Evaluation(evaluation.catalog, {"brightwater": SPANNING}).evaluate(PEERING)
    return {stack: evaluation.evaluate(stack) for stack in STACKS} | {PEERING: joined}
