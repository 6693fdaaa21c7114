"""Closing what was opened, in the task that opened it, whatever is cancelled meanwhile."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Generic, TypeVar, cast

T = TypeVar("T")

_closing: ContextVar[object] = ContextVar("hardy.closing", default=None)


async def shielded(work: Coroutine[object, None, T], *, limit: float = 5.0) -> T:
    """Run *work* to its end in the current task, keeping cancellations back until then.

    A request to cancel that arrives meanwhile, by anybody, is delivered as a
    ``CancelledError`` when *work* is over, or into *work* once *limit* seconds
    have passed. ``asyncio.timeout`` used inside *work* still works, for only
    requests from outside are kept. Unlike ``asyncio.shield`` no second task is
    made, so context variables, locks and generators stay with their task.

    Args:
        limit: Seconds after which a cancellation goes through all the same.

    Example:
        >>> import asyncio
        >>> async def close() -> str:
        ...     await asyncio.sleep(0)
        ...     return "closed"
        >>> asyncio.run(shielded(close()))
        'closed'
    """
    driver = _Driver(work, limit)
    token = _closing.set(driver)
    try:
        result = await driver.drive()
    finally:
        _closing.reset(token)
        driver.stop()
    if driver.kept:
        raise asyncio.CancelledError
    return result


class _Driver(Generic[T]):
    """Steps a coroutine and stands between it and the task that runs it."""

    def __init__(self, work: Coroutine[object, None, T], limit: float) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.due = self.loop.time() + limit
        self.kept = False
        self.awaited: asyncio.Future[object] | None = None
        self.timer: asyncio.TimerHandle | None = None

    @types.coroutine
    def drive(self) -> Generator[object, None, T]:
        while True:
            try:
                awaited = cast("asyncio.Future[object] | None", self.work.send(None))
            except StopIteration as stop:
                return cast("T", stop.value)
            try:
                if awaited is None:
                    yield None  # asyncio.sleep(0): a turn of the loop
                else:
                    yield from self._wait(awaited)
            except asyncio.CancelledError:
                # Asked for between two steps, when no future stood in the way.
                self.keep()

    def _wait(self, awaited: "asyncio.Future[object]") -> Generator[object, None, None]:
        # The future was handed up by an inner ``await`` and marked as waited for;
        # the task must wait for the gate instead, so the mark is taken back.
        awaited._asyncio_future_blocking = False  # the protocol between Future and Task has no public name
        self.awaited = awaited
        try:
            while not awaited.done():
                gate = _Gate(self, awaited)
                awaited.add_done_callback(gate.open)
                try:
                    yield from gate
                except asyncio.CancelledError:
                    self.keep()
                finally:
                    awaited.remove_done_callback(gate.open)
        finally:
            self.awaited = None

    def keep(self) -> None:
        """Remember that somebody wants the task cancelled, and give *work* its last seconds."""
        self.kept = True
        if self.timer is None:
            self.timer = self.loop.call_at(self.due, self._expire)

    def _expire(self) -> None:
        if self.awaited is not None:
            self.awaited.cancel()
            self.timer = self.loop.call_later(0.05, self._expire)  # until the work gives in

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class _Gate(asyncio.Future[None]):
    """What the task waits for instead of the future itself.

    ``task.cancel()`` asks what the task waits for to cancel. This one asks who
    is asking: a timer started inside the work runs in the work's context and
    goes through; anybody else is noted and has to wait.
    """

    def __init__(self, driver: "_Driver[T]", awaited: "asyncio.Future[object]") -> None:
        super().__init__(loop=driver.loop)
        self._driver = driver
        self._awaited = awaited

    def cancel(self, msg: object = None) -> bool:
        """Cancel what is awaited when asked from inside; remember it otherwise."""
        if _closing.get() is self._driver:
            return self._awaited.cancel(msg)
        self._driver.keep()
        return True

    def open(self, _: "asyncio.Future[object]") -> None:
        """Let the task go on."""
        if not self.done():
            self.set_result(None)
