"""A tenant moves between two cells and back while its application writes through the pooler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tenant_journey import IRELAND, VIRGINIA

if TYPE_CHECKING:
    from tenant_journey import TenantJourney

pytestmark = pytest.mark.needs_pgbouncer


def test_a_tenant_goes_there_and_back_and_there_again_without_losing_a_write(
    journey: TenantJourney,
) -> None:
    with journey.workload() as clients:
        clients.wait_for_writes(20)
        nothing = journey.tenant("move")
        assert (nothing.code, "nothing to move" in nothing.out) == (0, True), nothing.error

        journey.declare(VIRGINIA, "pool-b")
        moved = journey.tenant("move", "--json")
        assert moved.code == 0, moved.error
        assert moved.json["serving"] == f"{VIRGINIA}/pool-b"
        assert journey.disagreeing() == []
        clients.wait_for_writes(20)

        back = journey.tenant("rollback", "--json")
        assert back.code == 0, back.error
        assert back.json["serving"] == f"{IRELAND}/pool-a"
        assert journey.disagreeing() == []
        clients.wait_for_writes(20)

        again = journey.tenant("move", "--json")
        assert again.json["serving"] == f"{VIRGINIA}/pool-b"
        clients.wait_for_writes(20)
        audit = journey.account(clients)
        # Through the old cell's pooler: nobody saw an error.
        assert audit.pooler_errors == ()

    ended = journey.tenant("finish", "--json")
    assert ended.code == 0, ended.error
    verified = journey.tenant("status", "--verify")
    assert verified.code == 0, verified.out + verified.error
    assert list(journey.platform.exports("brightwater").databases) == [f"{VIRGINIA}/pool-b"]
