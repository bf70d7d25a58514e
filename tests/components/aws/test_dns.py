"""Zones, read off the graph."""

import pytest
from foundations import assert_the_same_resources_without_known_outputs, evaluate

from components.aws.dns import PublicZone


def declare(opts):
    PublicZone("cell", domain="prod-eu-west-1.acme.example", opts=opts)


@pytest.fixture(scope="module")
def graph():
    return evaluate(declare)


def test_a_zone_outlives_its_stack_and_its_records(graph):
    zone = graph.named("cell-zone")
    assert zone.protect
    assert zone.retain_on_delete
    assert zone.inputs["forceDestroy"] is False


def test_only_amazon_may_issue_certificates_in_the_zone(graph):
    issuers = graph.named("cell-issuers")
    assert issuers.inputs["type"] == "CAA"
    assert issuers.inputs["records"] == ['0 issue "amazon.com"', '0 issuewild "amazon.com"']


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(declare)
