"""Ctrl-C between two resources instead of in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_EXIT_CODE = 128 + signal.SIGINT


class Interrupted(Exception):  # noqa: N818 - it is no error
    """A signal came; not a KeyboardInterrupt, which the SDK's tasks lose."""


@contextmanager
def deferred_interrupts(announce: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Within it the first Ctrl-C or SIGTERM waits for a call of what is yielded.

    `announce` is called when the signal comes; the yielded function raises `Interrupted` once one
    has come, and what leaves the context then is KeyboardInterrupt. A second signal ends the
    process at once, which the next rehearsal copes with as with any kill.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def hold(_number: int, _frame: FrameType | None) -> None:
        if came.is_set():
            os._exit(_EXIT_CODE)
        came.set()
        announce()

    def check() -> None:
        if came.is_set():
            raise Interrupted

    for number in _SIGNALS:
        signal.signal(number, hold)
    try:
        yield check
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
