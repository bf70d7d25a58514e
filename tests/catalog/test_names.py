"""Names that are made from the catalog keep their limits and stay apart."""

import re

from hypothesis import given
from hypothesis import strategies as st

from catalog import names
from catalog.load import find_root, load

WORDS = st.lists(st.text("abcxyz019", min_size=1, max_size=12), min_size=1, max_size=12).map(
    "-".join
)


@given(WORDS, st.integers(20, 64))
def test_a_fitted_name_keeps_its_limit_and_ends_in_no_hyphen(name, limit):
    fitted = names.fit(name, limit)
    assert 0 < len(fitted) <= limit
    assert not fitted.endswith("-")
    assert "--" not in fitted


@given(WORDS, st.integers(20, 64))
def test_a_name_that_fits_is_left_alone(name, limit):
    if len(name) <= limit:
        assert names.fit(name, limit) == name


@given(WORDS, WORDS)
def test_two_names_never_become_one(one, two):
    if one != two:
        assert names.fit(one, 32) != names.fit(two, 32)


@given(WORDS)
def test_fitting_twice_changes_nothing(name):
    assert names.fit(names.fit(name, 32), 32) == names.fit(name, 32)


def test_every_derived_name_of_the_shipped_catalog_keeps_its_limit_and_is_its_own():
    catalog = load(find_root())
    seen = set()
    for tenant in catalog.tenants.values():
        cell = catalog.cells[tenant.placement.cell]
        for item in names.derived(catalog.organization, cell, tenant.name, dedicated=True):
            assert len(item.name) <= item.limit
            assert (item.kind, item.name) not in seen
            seen.add((item.kind, item.name))


def test_databases_need_no_quotes_in_sql():
    assert re.fullmatch(r"[a-z][a-z0-9_]*", names.database("aurelia-health"))
