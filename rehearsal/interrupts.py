"""Ctrl-C between two resources instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_interrupts(announce: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Within it the first Ctrl-C or SIGTERM waits for a call of what is yielded.

    `announce` is called when the signal comes; the yielded function raises KeyboardInterrupt once
    one has come. A second signal is not held back.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def hold(_number: int, _frame: FrameType | None) -> None:
        if came.is_set():
            raise KeyboardInterrupt
        came.set()
        announce()

    def check() -> None:
        if came.is_set():
            raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, hold)
    try:
        yield check
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
