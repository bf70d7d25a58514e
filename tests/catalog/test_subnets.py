"""Subnet arithmetic, for every range a cell may have."""

import ipaddress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.subnets import layout

zones = st.sampled_from([2, 3])


@st.composite
def networks(draw, smallest=20, largest=16):
    prefix = draw(st.integers(largest, smallest))
    block = draw(st.integers(0, 2**prefix - 1))
    return ipaddress.IPv4Network((block << (32 - prefix), prefix))


def subnets_of(found):
    return [ipaddress.IPv4Network(c) for c in found.public + found.private + found.isolated]


@given(networks(), zones)
def test_every_subnet_is_inside_the_range_and_aligned(network, count):
    for subnet in subnets_of(layout(str(network), count)):
        assert subnet.subnet_of(network)


@given(networks(), zones)
def test_no_two_subnets_share_an_address(network, count):
    for one, other in combinations(subnets_of(layout(str(network), count)), 2):
        assert not one.overlaps(other)


@given(networks(), zones)
def test_each_zone_has_one_subnet_of_each_kind(network, count):
    found = layout(str(network), count)
    assert [len(found.public), len(found.private), len(found.isolated)] == [count] * 3


@given(networks(), zones)
def test_private_subnets_are_the_largest_and_room_is_left(network, count):
    found = layout(str(network), count)
    size = {
        kind: ipaddress.IPv4Network(getattr(found, kind)[0]).num_addresses
        for kind in ("public", "private", "isolated")
    }
    assert size["private"] == 16 * size["public"] == 16 * size["isolated"]
    used = sum(subnet.num_addresses for subnet in subnets_of(found))
    assert network.num_addresses - used >= network.num_addresses // 8


@given(networks())
def test_a_third_zone_moves_no_subnet_of_the_first_two(network):
    two, three = layout(str(network), 2), layout(str(network), 3)
    assert three.public[:2] == two.public
    assert three.private[:2] == two.private
    assert three.isolated[:2] == two.isolated


@given(networks(), zones)
def test_load_balancers_and_nat_fit_every_public_subnet(network, count):
    # A load balancer wants a /27 with eight free addresses; AWS keeps five of each subnet.
    for cidr in layout(str(network), count).public:
        assert ipaddress.IPv4Network(cidr).prefixlen <= 27
        assert ipaddress.IPv4Network(cidr).num_addresses - 5 - 1 >= 8


@given(networks(smallest=32, largest=21), zones)
def test_a_range_that_is_too_small_is_refused_with_what_is_needed(network, count):
    with pytest.raises(ValueError, match=r"need 4096, a /20 at least") as refused:
        layout(str(network), count)
    assert str(network) in str(refused.value)
    assert f"has {network.num_addresses} addresses" in str(refused.value)


@given(networks(smallest=15, largest=0), zones)
def test_a_range_that_no_vpc_can_have_is_refused(network, count):
    with pytest.raises(ValueError, match="larger than a VPC may be"):
        layout(str(network), count)


@given(st.integers().filter(lambda n: n not in (2, 3)))
def test_another_number_of_zones_is_refused(count):
    with pytest.raises(ValueError, match=f"^{count} zones were asked for; a cell has 2 or 3"):
        layout("10.0.0.0/16", count)


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "fd00::/48", "ten", ""])
def test_what_is_no_ipv4_network_is_refused(cidr):
    with pytest.raises(ValueError, match="is not an IPv4 network"):
        layout(cidr, 2)
