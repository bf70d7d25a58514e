"""The IAM names that the shipped catalog's cells declare."""

import pytest

from catalog.load import find_root, load
from catalog.names import cell_roles
from rehearsal.evaluation import Evaluation

ROLE = "aws:iam/role:Role"
SAML = "aws:iam/samlProvider:SamlProvider"


@pytest.fixture(scope="module")
def catalog():
    return load(find_root())


@pytest.fixture(scope="module")
def named(catalog):
    """By cell, what follows `<organization>-<cell>-` in the names of roles and providers."""
    evaluation = Evaluation(catalog)
    found = {}
    for cell in catalog.cells.values():
        own = f"{catalog.organization.name}-{cell.name}-"
        graph = evaluation.evaluate(f"cell.{cell.name}")
        for kind in (ROLE, SAML):
            names = [resource.inputs["name"] for resource in graph.of_type(kind)]
            assert [name for name in names if not name.startswith(own)] == []
            found[cell.name, kind] = {name.removeprefix(own) for name in names}
    return found


def test_the_names_that_no_tenant_may_take_are_those_of_the_cells_roles(catalog, named):
    for cell in catalog.cells.values():
        assert named[cell.name, ROLE] == set(cell_roles(cell))


def test_the_vpns_identity_provider_bears_the_names_of_organization_and_cell(catalog, named):
    for cell in catalog.cells:
        assert named[cell, SAML] == {"vpn"}
