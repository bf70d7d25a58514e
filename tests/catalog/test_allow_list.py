"""Lists of allowed networks: shorter, in order, and never letting in more or less."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.allow_lists import without_covered
from catalog.base import AllowedNetwork
from catalog.load import find_root, load

V4 = st.builds(
    lambda address, prefix: ipaddress.ip_network((address, prefix), strict=False),
    # Few distinct bits, so that networks often hold one another.
    st.integers(0, 15).map(lambda bits: ipaddress.IPv4Address(bits << 28)),
    st.integers(0, 8),
)
V6 = st.builds(
    lambda address, prefix: ipaddress.ip_network((address, prefix), strict=False),
    st.integers(0, 15).map(lambda bits: ipaddress.IPv6Address(bits << 124)),
    st.integers(0, 8),
)
LISTS = st.lists(st.one_of(V4, V6), max_size=12).map(
    lambda networks: tuple(AllowedNetwork(cidr=str(n), description="test") for n in networks)
)


def networks(allowed):
    return [ipaddress.ip_network(entry.cidr) for entry in allowed]


@given(LISTS)
def test_every_network_given_is_still_covered(allowed):
    kept = networks(without_covered(allowed))
    for network in networks(allowed):
        assert any(network.version == k.version and network.subnet_of(k) for k in kept)


@given(LISTS)
def test_nothing_is_let_in_that_was_not_given(allowed):
    assert set(networks(without_covered(allowed))) <= set(networks(allowed))


@given(LISTS)
def test_no_two_networks_that_are_kept_overlap(allowed):
    kept = networks(without_covered(allowed))
    for n, one in enumerate(kept):
        assert not any(one.version == two.version and one.overlaps(two) for two in kept[n + 1 :])


@given(LISTS, st.randoms())
def test_the_order_given_does_not_matter(allowed, random):
    shuffled = list(allowed)
    random.shuffle(shuffled)
    assert networks(without_covered(tuple(shuffled))) == networks(without_covered(allowed))


def test_a_tenants_list_has_its_own_its_cells_and_the_offices_networks():
    catalog = load(find_root())
    tenant = catalog.tenants["brightwater"]
    cell = catalog.cells[tenant.placement.cell]
    found = {entry.cidr for entry in catalog.tenant_allow_list(tenant, cell)}
    assert found == {
        "192.0.2.128/28",
        "198.51.100.192/28",
        *catalog.organization.networks.offices.values(),
    }


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0"])
def test_the_world_is_known_as_open(cidr):
    assert AllowedNetwork(cidr=cidr, description="all").open_to_world
