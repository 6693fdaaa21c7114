"""Closing what was opened, in the task that opened it, whatever is cancelled meanwhile."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Generic, TypeVar, cast

T = TypeVar("T")

_closing: ContextVar["_Driver[object] | None"] = ContextVar("hardy.closing", default=None)

INSIST = 0.05
"""Seconds between two cancellations of work that is past its limit and does not give in."""


async def shielded(work: Coroutine[object, None, T], *, limit: float = 5.0) -> T:
    """Run *work* to its end in the current task, keeping cancellations back until then.

    A request to cancel that arrives meanwhile, by anybody, is delivered as a
    ``CancelledError`` when *work* is over, or into *work* once *limit* seconds
    have passed. When *work* fails, its error is raised and the request stays
    pending for the task's next await. ``asyncio.timeout`` and task groups used
    inside *work* still work, for only requests from outside are kept. Unlike
    ``asyncio.shield`` no second task is made, so context variables, locks and
    generators stay with their task.

    Args:
        limit: Seconds after which a cancellation goes through all the same.
            Nothing limits work that nobody wants cancelled.

    Example:
        >>> import asyncio
        >>> async def close() -> str:
        ...     await asyncio.sleep(0)
        ...     return "closed"
        >>> asyncio.run(shielded(close()))
        'closed'
    """
    driver = _Driver(work, limit)
    token = _closing.set(cast("_Driver[object]", driver))
    try:
        try:
            awaited = work.send(None)
        except StopIteration as stop:  # most closes never wait, and need nobody in between
            return cast("T", stop.value)
        result = await driver.drive(cast("asyncio.Future[object] | None", awaited))
    except asyncio.CancelledError:
        if not driver.kept:
            raise
        # The limit broke the work off: what is delivered below is the request itself.
        result = None
    except BaseException:
        driver.hand_over()
        raise
    finally:
        _closing.reset(token)
        driver.stop()
    if driver.kept:
        driver.hand_over()
        await asyncio.sleep(0)  # where it is delivered; inside another shield it is kept on
    return cast("T", result)


class _Driver(Generic[T]):
    """Steps a coroutine and stands between it and the task that runs it."""

    kept = 0
    message: object = None
    breach = False
    passing = False
    awaited: "asyncio.Future[object] | None" = None
    timer: asyncio.TimerHandle | None = None
    task: "asyncio.Task[object] | None" = None

    def __init__(self, work: Coroutine[object, None, T], limit: float) -> None:
        self.work = work
        self.limit = limit
        self.outer = _closing.get()

    @types.coroutine
    def drive(self, awaited: "asyncio.Future[object] | None") -> Generator[object, None, T]:
        self.loop = asyncio.get_running_loop()
        self.due = self.loop.time() + self.limit
        self.task = asyncio.current_task(self.loop)
        while True:
            yield from self._wait(awaited)
            try:
                step = self.work.throw(asyncio.CancelledError()) if self.breach else self.work.send(None)
            except StopIteration as stop:
                return cast("T", stop.value)
            self.breach = False
            awaited = cast("asyncio.Future[object] | None", step)

    def _wait(self, awaited: "asyncio.Future[object] | None") -> Generator[object, None, None]:
        gate = _Gate(cast("_Driver[object]", self), awaited)
        if awaited is None:
            self.loop.call_soon(gate.open, None)  # asyncio.sleep(0): a turn of the loop
        else:
            # The future was handed up by an inner ``await`` and marked as waited for;
            # the task must wait for the gate instead, so the mark is taken back.
            awaited._asyncio_future_blocking = False  # the protocol between Future and Task has no public name
            awaited.add_done_callback(gate.open)
        self.awaited = awaited
        yield from gate
        self.awaited = None

    def asked_from_inside(self) -> bool:
        """Whether the code that wants to cancel right now was started by the work."""
        if asyncio.current_task(self.loop) is self.task:
            # Asked for before the task began to wait, and delivered only now: by a shield
            # inside this one that hands over what came from in here, or before all this.
            inside, self.passing = self.passing, False
            return inside
        asking = _closing.get()
        while asking is not None and asking is not self:
            asking = asking.outer
        return asking is self

    def keep(self, message: object) -> None:
        """Remember that somebody wants the task cancelled, and give the work its last seconds."""
        self.kept += 1
        self.message = message
        # Kept requests do not count, or timeouts inside the work would take theirs for a foreign one.
        cast("asyncio.Task[object]", self.task).uncancel()
        if self.timer is None:
            self.timer = self.loop.call_at(self.due, self._expire)

    def cut(self, message: object) -> None:
        """Cancel what the work waits for, or the work itself when that is done already."""
        if self.awaited is None or not self.awaited.cancel(message):
            self.breach = True

    def _expire(self) -> None:
        self.cut(self.message)
        self.timer = self.loop.call_later(INSIST, self._expire)

    def hand_over(self) -> None:
        """Give the task the requests that were kept."""
        if self.kept:
            if self.outer is not None and self.outer.task is self.task:
                self.outer.passing = True
            for _ in range(self.kept):
                cast("asyncio.Task[object]", self.task).cancel(self.message)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class _Gate(asyncio.Future[None]):
    """What the task waits for instead of the future itself.

    ``task.cancel()`` asks what the task waits for to cancel. This one asks who
    is asking: a timer started inside the work runs in the work's context and
    goes through; anybody else is noted and has to wait.
    """

    def __init__(self, driver: _Driver[object], awaited: "asyncio.Future[object] | None") -> None:
        super().__init__(loop=driver.loop)
        self._driver = driver
        self._awaited = awaited

    def cancel(self, msg: object = None) -> bool:
        """Cancel what is awaited when asked from inside; remember it otherwise."""
        if self._driver.asked_from_inside():
            self._driver.cut(msg)
        else:
            self._driver.keep(msg)
        return True

    def open(self, _: "asyncio.Future[object] | None") -> None:
        """Let the task go on."""
        self.set_result(None)
