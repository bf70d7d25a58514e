"""Lets one delivery at a time change an environment; jobs of the same delivery share it.

A lease ends by itself, so that a delivery whose machine died holds nobody up for long. Who holds
one says so again and again while it works, and stops working when it no longer can.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from delivery.records import Lease
from delivery.table import StaleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from delivery.table import DeliveryRecords

SECONDS = 120.0
"""How long a lease lasts unless it is renewed: longer than any pause of a machine that lives."""
_POLL = 2.0


class BusyError(Exception):
    """Another delivery is at work in the environment.

    Attributes:
        lease: whose it is.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        super().__init__(
            f"{lease.environment} is being changed by the delivery of {lease.commit[:10]} "
            f"({lease.holder})"
        )


class Held:
    """A lease that this process holds."""

    def __init__(self) -> None:
        self._lost = threading.Event()

    def lose(self) -> None:
        """Note that another has it now."""
        self._lost.set()

    @property
    def lost(self) -> bool:
        """Whether nothing more may be begun under it."""
        return self._lost.is_set()


def take(records: DeliveryRecords, wanted: Lease, now: float) -> None:
    """Take or renew a lease.

    Raises:
        BusyError: another delivery holds it, and it has not ended.
    """
    known = records.read(Lease, "leases", wanted.environment)
    holds = known.document
    if holds is not None and holds.holder != wanted.holder and holds.until > now:
        raise BusyError(holds)
    try:
        records.write("leases", wanted.environment, wanted, known.revision)
    except StaleError:
        # Another job of this delivery renewed it, or another delivery took it: look again.
        take(records, wanted, now)


@contextmanager
def leased(
    records: DeliveryRecords,
    environment: str,
    *,
    holder: str,
    commit: str,
    wait: float,
    keep: bool = False,
    waiting: Callable[[BusyError], None] = lambda _: None,
) -> Iterator[Held]:
    """Hold an environment's lease; wait for it `wait` seconds at most.

    `keep` leaves it to the delivery's other jobs, which share `holder`; it ends by itself then.

    Raises:
        BusyError: another delivery still had it after that time.
    """

    def wanted(until: float) -> Lease:
        return Lease(environment=environment, holder=holder, commit=commit, until=until)

    deadline = time.time() + wait
    told = False
    while True:
        try:
            take(records, wanted(time.time() + SECONDS), time.time())
            break
        except BusyError as busy:
            if time.time() >= deadline:
                raise
            if not told:
                waiting(busy)
                told = True
            time.sleep(min(_POLL, max(0.05, deadline - time.time())))
    held, ended = Held(), threading.Event()
    renewing = threading.Thread(
        target=_renew, args=(records, wanted, held, ended), name="lease", daemon=True
    )
    renewing.start()
    try:
        yield held
    finally:
        ended.set()
        renewing.join()
        if not held.lost and not keep:
            take(records, wanted(0.0), time.time())


def _renew(
    records: DeliveryRecords,
    wanted: Callable[[float], Lease],
    held: Held,
    ended: threading.Event,
) -> None:
    last = time.time()
    while not ended.wait(SECONDS / 4):
        try:
            take(records, wanted(time.time() + SECONDS), time.time())
            last = time.time()
        except BusyError:
            held.lose()
            return
        except Exception:
            # The table can't be reached: whoever can't renew must not work on when it ends.
            if time.time() - last > SECONDS * 0.8:
                held.lose()
                return
