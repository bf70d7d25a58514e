"""Checks that the poolers can hold clients back while the database changes hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.errors import MoveError
from database_moves.poolers.pooler import WITHOUT_ANY
from database_moves.preflight.registry import check
from database_moves.preflight.verdicts import Finding, refused, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation


@check("pooler.given", fine="a pooler holds clients back at the cutover", needs=())
def given(situation: Situation) -> Iterator[Finding]:
    """Without one, clients see their sessions end and must connect anew, to another address."""
    if not situation.poolers:
        yield warning(
            WITHOUT_ANY,
            "name PgBouncer by --pooler and --pooler-config, or make applications reconnect "
            "(--switch-command changes what they connect to)",
        )


@check("pooler.ready", fine="every pooler can be paused and led to the target", needs=())
def ready(situation: Situation) -> Iterator[Finding]:
    """A pooler that cannot be paused, or leads elsewhere, is found out before the pause."""
    for pooler in situation.poolers:
        try:
            doubts = pooler.check(situation.options.max_pause)
            state = pooler.state()
        except MoveError as error:
            yield refused(error.message, error.remedy, (pooler.described,))
            continue
        for doubt in doubts:
            yield warning(doubt, None, (pooler.described,))
        if state.points_at != "source":
            place = "the target" if state.points_at == "target" else "neither side"
            yield refused(
                f"{pooler.described} leads clients to {place}, not to the source",
                "give its [databases] entries the source's host, port and dbname, then RELOAD",
                (pooler.described,),
            )
        elif state.paused:
            yield warning(
                f"{pooler.described} is paused: clients are waiting now",
                "RESUME at its console",
                (pooler.described,),
            )
