"""Zones and their delegation, read off the graph."""

import pytest
from foundations import assert_the_same_resources_without_known_outputs, evaluate

from components.aws.dns import Delegation, PublicZone


def declare(opts):
    zone = PublicZone("cell", domain="prod-eu-west-1.acme.example", opts=opts)
    Delegation(
        "delegation",
        parent_zone_id="Z0PARENT",
        domain="prod-eu-west-1.acme.example",
        name_servers=zone.name_servers,
        opts=opts,
    )


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


def test_the_parent_zone_points_at_the_zones_own_name_servers(graph):
    record = graph.named("delegation-name-servers")
    assert record.inputs["type"] == "NS"
    assert record.inputs["zoneId"] == "Z0PARENT"
    assert record.property_dependencies["records"] == (graph.named("cell-zone").urn,)


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(declare)
