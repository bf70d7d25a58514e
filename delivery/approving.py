"""Records what named people said of a commit, while staging has that very commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from delivery.checkout import RefusedError
from delivery.records import Approval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from delivery.desk import Desk
    from delivery.records import Progress


def approve(
    desk: Desk,
    name: str,
    *,
    by: Sequence[str],
    decision: Literal["approved", "rejected"],
    comment: str,
) -> Approval:
    """Record an approval or a rejection; people who approved before stay named.

    A rejection stands: what was found wrong is mended in another commit.

    Raises:
        RefusedError: the checklist knows no such approval, it was rejected before, or staging does
            not have this commit, so that people tried something else.
    """
    wanted = desk.checklist.approvals.get(name)
    if wanted is None:
        known = ", ".join(desk.checklist.approvals)
        raise RefusedError(f"the checklist has no approval {name!r}", f"it has: {known}")
    people = [each.strip() for each in by if each.strip()]
    if not people:
        raise RefusedError("an approval names who gives it", "--by NAME")
    progress, reached = desk.progress(), desk.reached(wanted.after)
    if wanted.after not in progress.waves:
        raise RefusedError(
            f"{wanted.after} has not got {desk.commit[:10]}, so that nobody can have tried it",
            f"patchworks deliver up {desk.commit[:12]} --wave {wanted.after}",
        )
    if reached is not None and reached.commit != desk.commit:
        raise RefusedError(
            f"{wanted.after} has {reached.commit[:10]} by now, so that this was not tried",
            f"try and approve {reached.commit[:10]}",
        )
    recorded_by = desk.engine.whoami()

    def changed(known: Progress) -> Progress:
        before = known.approvals.get(name)
        if before is not None and before.decision == "rejected":
            raise RefusedError(
                f"{', '.join(before.by)} rejected {desk.commit[:10]} in {name}",
                "mend it in another commit, and deliver that",
            )
        earlier = before.by if before is not None and decision == "approved" else ()
        new = Approval(
            name=name,
            decision=decision,
            by=tuple(dict.fromkeys((*earlier, *people))),
            comment=comment,
            recorded_by=recorded_by,
            run=desk.holder,
            at=datetime.now(UTC),
        )
        return known.model_copy(update={"approvals": {**known.approvals, name: new}})

    return desk.note(changed).approvals[name]
