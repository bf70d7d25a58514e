"""An event loop that does at once what need not wait.

The SDK starts a task for every Output and every registration. Here, where the monitor answers in
the same process, hardly any of them ever has to wait; so a task is run as it is made, up to the
first thing that is not there yet, and most are done when they are handed back. Python 3.12 has the
same idea as `asyncio.eager_task_factory`.
"""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator


class EagerLoop(asyncio.SelectorEventLoop):
    """Runs tasks as they are made, and what is meant for a thread in the caller's own."""

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        """A future of the coroutine's result, done already where nothing made it wait."""
        if context is not None or not self.is_running():
            return super().create_task(coro, name=name, context=context)
        try:
            waits_for = coro.send(None)
        except StopIteration as done:
            future = self.create_future()
            future.set_result(done.value)
            return future
        except Exception as error:
            future = self.create_future()
            future.set_exception(error)
            return future
        if waits_for is not None:
            # Nobody listens yet: others may begin to wait for it before the task below does.
            waits_for._asyncio_future_blocking = False
        return super().create_task(_resume(coro, waits_for), name=name)

    def run_in_executor(  # type: ignore[override]  # the SDK awaits what it gets, and no more
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """The function's result; the monitor answers without waiting for anybody."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


@types.coroutine
def _resume(coro: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that waits for a future."""
    while True:
        if waits_for is not None:
            waits_for._asyncio_future_blocking = True
        try:
            value = yield waits_for
        except BaseException as error:
            step = _thrown(coro, error)
        else:
            step = _sent(coro, value)
        done, waits_for = step
        if done:
            return waits_for


def _sent(coro: Coroutine[Any, Any, Any], value: Any) -> tuple[bool, Any]:
    try:
        return False, coro.send(value)
    except StopIteration as done:
        return True, done.value


def _thrown(coro: Coroutine[Any, Any, Any], error: BaseException) -> tuple[bool, Any]:
    try:
        return False, coro.throw(error)
    except StopIteration as done:
        return True, done.value
