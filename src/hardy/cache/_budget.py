"""So many milliseconds and no more."""

import asyncio
from types import TracebackType
from typing import cast

EXTENSION = 0.005
"""Seconds more for what is late because the event loop was busy, not the store."""


class Budget:
    """Ends its ``with`` block, at an await, with ``TimeoutError`` after so many *seconds*.

    When the event loop comes late to see that they are over, the answer may have come in time and lie in the
    socket: overload must not make of every hit a miss. The block then gets a little longer. In all else it is
    `asyncio.timeout`, for less.
    """

    __slots__ = ("_before", "_due", "_expired", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = cast("asyncio.Task[object]", asyncio.current_task(self._loop))
        self._before = self._task.cancelling()
        self._due = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(self._due, self._over)

    def _over(self) -> None:
        now = self._loop.time()
        if now - self._due >= EXTENSION:
            self._due = now + EXTENSION
            self._timer = self._loop.call_at(self._due, self._end)
        else:
            self._end()

    def _end(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._expired and self._task.uncancel() <= self._before and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
