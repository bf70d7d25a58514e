"""A local cloud with two cells of the test's own and a tenant, brought up once for a worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "end_to_end"))
sys.path.append(str(Path(__file__).parents[1] / "database_moves"))

from tenant_journey import TenantJourney

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TenantJourney]:
    """Brightwater in Ireland, and a cell in Virginia to go to."""
    journey = TenantJourney(tmp_path_factory.mktemp("journey"))
    journey.rehearse()
    journey.install()
    yield journey
    journey.cloud.stop()
