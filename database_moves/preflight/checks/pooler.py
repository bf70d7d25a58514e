"""Can the poolers hold clients back while the database changes hands?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.verdicts import Finding, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation


@check("pooler.given", fine="a pooler holds clients back at the cutover", needs=())
def given(situation: Situation) -> Iterator[Finding]:
    """Without one, clients see their sessions end and must connect anew, to another address."""
    if not situation.poolers:
        yield warning(
            "no pooler was named: at the cutover clients lose their sessions and must reconnect, "
            "to the target's address",
            "name PgBouncer by --pooler and --pooler-config, or make applications reconnect "
            "(--switch-command changes what they connect to)",
        )
