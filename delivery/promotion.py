"""Takes a commit through the waves, each behind its gates and under its environment's lease."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from delivery.automated import run_check
from delivery.bringing import StoppedError, bring_up
from delivery.checkout import RefusedError, is_ancestor
from delivery.gates import missing_before
from delivery.lease import BusyError, leased
from delivery.records import Reached, WaveDone
from delivery.waves import ENVIRONMENT_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.desk import Desk
    from delivery.lease import Held
    from delivery.records import CheckResult, Progress, Wave


def deliver(desk: Desk, waves: Sequence[Wave], *, wait: float) -> None:
    """Take the commit through the waves, in order, as far as the gates let it.

    `wait` is how many seconds to wait for another delivery that is at work in an environment.

    Raises:
        RefusedError: a gate is closed, or the environment has a newer commit; what stands before
            it was done.
        StoppedError: a stack or a check failed.
    """
    for wave in waves:
        _pass_gates(desk, wave)
        _refuse_what_the_engine_may_not(desk, wave)
        with _environment(desk, wave, wait=wait) as held:
            if wave == "rest":
                _check(desk, "canary", held, again_before=_soaked(desk))
            changed = bring_up(desk, desk.waves[wave], held, wait=0)
            _finish(desk, wave)
            _check(desk, wave, held, again=changed > 0)
        desk.observer.says(f"{wave} has {desk.commit[:10]}")


def deliver_batch(desk: Desk, wave: Wave, stacks: Sequence[str], *, wait: float) -> None:
    """Bring up some stacks of a wave; whichever job brings up the last ones closes the wave.

    The lease is left to the run's other jobs until then.

    Raises:
        RefusedError: a gate is closed, or a stack is not of this wave.
        StoppedError: a stack failed, or what it refers to did.
    """
    strangers = [stack for stack in stacks if stack not in desk.waves[wave]]
    if strangers:
        raise RefusedError(f"{', '.join(strangers)} is not of the wave {wave}", "")
    _pass_gates(desk, wave)
    with _environment(desk, wave, wait=wait, keep=True) as held:
        bring_up(desk, stacks, held, wait=wait)
    if desk.affected(wave, desk.delivered()):
        desk.observer.says(f"other jobs still bring up the rest of {wave}")
        return
    deliver(desk, [wave], wait=wait)


def _pass_gates(desk: Desk, wave: Wave) -> None:
    while True:
        now = datetime.now(UTC)
        missing = missing_before(wave, desk.checklist, desk.progress(), now)
        if not missing:
            return
        people = [each for each in missing if each.until is None]
        if people:
            first = people[0]
            what = ", and ".join(each.what for each in people)
            raise RefusedError(f"{wave} may not have {desk.commit[:10]} yet: {what}", first.remedy)
        ends = max(each.until for each in missing if each.until is not None)
        desk.observer.says(missing[0].what)
        time.sleep(min((ends - now).total_seconds(), 3600.0) + 0.05)


def _refuse_what_the_engine_may_not(desk: Desk, wave: Wave) -> None:
    """Refuse a wave with a stack that must be brought up and that these credentials may not."""
    for stack in desk.affected(wave, desk.delivered()):
        why = desk.engine.refuses(stack)
        if why:
            raise RefusedError(f"{stack} differs from what was brought up last, and {why}", "")


class _environment:  # noqa: N801 - used as a function, like `open`
    """The lease of a wave's environment, taken for this commit unless a newer one is there."""

    def __init__(self, desk: Desk, wave: Wave, *, wait: float, keep: bool = False) -> None:
        self._desk = desk
        self._environment = ENVIRONMENT_OF[wave]
        self._lease = leased(
            desk.records,
            self._environment,
            holder=desk.holder,
            commit=desk.commit,
            wait=wait,
            keep=keep,
            waiting=lambda busy: desk.observer.says(f"waiting: {busy}"),
        )

    def __enter__(self) -> Held:
        try:
            held = self._lease.__enter__()
        except BusyError as busy:
            raise RefusedError(str(busy), "wait for it to end; --wait waits longer") from None
        try:
            self._reach()
        except BaseException as error:
            self._lease.__exit__(type(error), error, error.__traceback__)
            raise
        return held

    def __exit__(self, *raised: object) -> None:
        self._lease.__exit__(*raised)  # type: ignore[arg-type]

    def _reach(self) -> None:
        desk, environment = self._desk, self._environment
        last = desk.reached(environment)
        if last is not None and not is_ancestor(desk.repository, last.commit, desk.commit):
            raise RefusedError(
                f"{environment} has {last.commit[:10]} already, which {desk.commit[:10]} was not "
                "built on",
                "deliver a commit that has both (`git fetch` where the clone is old); to take a "
                "change back, merge its revert",
            )
        reached = Reached(environment=environment, commit=desk.commit, at=datetime.now(UTC))
        desk.records.change(
            Reached,
            "environments",
            environment,
            lambda known: known if known and known.commit == desk.commit else reached,
        )


def _finish(desk: Desk, wave: Wave) -> None:
    done = WaveDone(wave=wave, at=datetime.now(UTC))
    desk.note(lambda known: known.model_copy(update={"waves": {wave: done, **known.waves}}))


def _soaked(desk: Desk) -> datetime | None:
    """When the canary had soaked: what it was found to be before that counts no longer."""
    done = desk.progress().waves.get("canary")
    return done.at + timedelta(minutes=desk.checklist.soak_minutes) if done else None


def _check(
    desk: Desk,
    wave: Wave,
    held: Held,
    *,
    again: bool = False,
    again_before: datetime | None = None,
) -> None:
    """Run the wave's checks that have not passed for this commit; all of them with `again`."""
    failed: list[CheckResult] = []
    for name, check in desk.checklist.checks_after(wave).items():
        before = desk.progress().checks.get(name)
        stale = again or (
            again_before is not None and before is not None and before.at < again_before
        )
        if before is not None and before.passed and not stale:
            continue
        if held.lost:
            raise StoppedError(
                "the environment's lease was lost before it was checked",
                "run the same command again",
            )
        desk.observer.says(f"checking {name}: {' '.join(check.run)}")
        told = {
            **desk.told,
            "PATCHWORKS_COMMIT": desk.commit,
            "PATCHWORKS_WAVE": wave,
            "PATCHWORKS_ENGINE": desk.engine.name,
        }
        result = run_check(name, check, root=desk.root, told=told, run=desk.holder)
        desk.note(lambda known, result=result: _with_check(known, result))  # type: ignore[misc]
        desk.observer.says(
            f"{name} {'passed' if result.passed else 'failed'} after {result.seconds:.1f} s"
        )
        if not result.passed:
            failed.append(result)
    if failed:
        for result in failed:
            desk.observer.says(f"{result.name} said:\n{result.said}")
        raise StoppedError(
            f"stopped after {wave}: {', '.join(each.name for each in failed)} failed",
            f"mend it in another commit; or, if {wave} was at fault and not the commit, run the "
            "same command again: it goes on with this check",
        )


def _with_check(known: Progress, result: CheckResult) -> Progress:
    return known.model_copy(update={"checks": {**known.checks, result.name: result}})
