"""Memory and connections of database sizes, and processors of nodes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cell import DatabaseSettings, ServerlessCapacity
from catalog.instance_sizes import max_connections, memory_bytes, virtual_cpus

GIB = 2**30
acus = st.integers(1, 512).map(lambda halves: halves / 2)


def provisioned(instance_class):
    return DatabaseSettings(
        engine_version="16.8", instance_class=instance_class, backup_region="eu-central-1"
    )


def serverless(minimum, maximum):
    return DatabaseSettings(
        engine_version="16.8",
        serverless=ServerlessCapacity(minimum=minimum, maximum=maximum),
        backup_region="eu-central-1",
    )


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    [
        ("db.t4g.medium", 4),
        ("db.t3.large", 8),
        ("db.r6g.large", 16),
        ("db.r8g.xlarge", 32),
        ("db.r7i.24xlarge", 768),
    ],
)
def test_memory_of_a_class_is_what_aws_lists(instance_class, gib):
    assert memory_bytes(provisioned(instance_class)) == gib * GIB


@pytest.mark.parametrize("instance_class", ["db.m6g.large", "db.r6g.huge", "db.t4g.2xlarge"])
def test_a_class_of_unknown_memory_is_refused_with_the_known_ones(instance_class):
    with pytest.raises(ValueError, match=f"{instance_class} is not known; use db.r.*24xlarge"):
        memory_bytes(provisioned(instance_class))


def test_a_serverless_cluster_counts_at_its_largest():
    assert memory_bytes(serverless(1, 64)) == 128 * GIB


@given(acus, acus)
def test_connections_never_pass_auroras_limits(minimum, maximum):
    connections = max_connections(serverless(minimum, maximum))
    assert 0 < connections <= (2000 if minimum == 0.5 else 5000)


@given(acus, acus)
def test_more_memory_never_takes_fewer_connections(one, other):
    smaller, larger = sorted((one, other))
    assert max_connections(serverless(1, smaller)) <= max_connections(serverless(1, larger))


def test_a_class_takes_what_auroras_formula_gives():
    assert max_connections(provisioned("db.r6g.large")) == 16 * GIB // 9_531_392
    assert max_connections(provisioned("db.r6g.24xlarge")) == 5000


@pytest.mark.parametrize(
    ("instance_type", "cpus"),
    [
        ("t4g.medium", 2),
        ("m7g.large", 2),
        ("m7g.xlarge", 4),
        ("c7i-flex.2xlarge", 8),
        ("m7i.48xlarge", 192),
        ("m7i.metal-24xl", 96),
    ],
)
def test_the_size_of_an_instance_type_tells_its_processors(instance_type, cpus):
    assert virtual_cpus(instance_type) == cpus


@pytest.mark.parametrize("instance_type", ["m5.metal", "m5", "m5.huge", "m5.2large", "m7i.xl"])
def test_a_size_that_tells_nothing_is_refused(instance_type):
    with pytest.raises(ValueError, match=re.escape(repr(instance_type))):
        virtual_cpus(instance_type)
