"""Notices a blocked event loop, and what blocks it."""

import asyncio
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from hardy.core import Emit, Notice
from hardy.telemetry._spots import Spot, culprit, spots_of

BEATS = 2
"""Signs of life of the loop in the time after which it counts as blocked."""
STUCK = 5.0
"""Seconds after which a loop that is blocked still is told of, once, without waiting for the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBlocked(Notice):
    """The event loop did not turn: nothing else was served meanwhile."""

    seconds: float
    stack: tuple[Spot, ...]
    """What ran, the outermost first, seen while it ran. Empty when nothing did: the process got no CPU."""
    waiting: int
    """Other calls in flight."""
    over: bool = True
    """Whether it turns again. One that is stuck is told of by the watchdog's own thread."""

    @property
    def culprit(self) -> tuple[Spot, ...]:
        """The user's line that blocks, and the one that called it, as far as there are such lines."""
        return culprit(self.stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatistics:
    """How punctual the event loop is."""

    lag: float
    """Seconds by which it was late at its last sign of life."""
    longest: float
    """The largest of these."""
    blocked: int
    """Times it was blocked."""


class Watchdog:
    """Notices when the event loop does not turn, and says which line of code keeps it.

    A component. The loop gives a sign of life twice per *limit*; a thread
    looks whether they come, and when one is late it takes down what the loop's
    thread is doing at that moment. Once the loop turns again it tells of it as `LoopBlocked`;
    of a loop that is still blocked after five seconds the thread tells itself.
    A block of one and a half *limit* is always seen. Code that keeps the
    interpreter's lock (a C extension that does not release it) is
    seen when it lets go.

    Args:
        limit: Seconds after which the loop counts as blocked.
        emit: Told of each `LoopBlocked`.
        waiting: Returns how many calls are in flight, for the notice.

    Example:
        >>> import asyncio, time
        >>> async def main():
        ...     seen = []
        ...     async with Watchdog(0.05, seen.append):
        ...         await asyncio.sleep(0)
        ...         time.sleep(0.2)
        ...         await asyncio.sleep(0)
        ...     return seen[0].culprit[0].function
        >>> asyncio.run(main())
        'main'
    """

    def __init__(self, limit: float, emit: Emit, *, waiting: Callable[[], int] = lambda: 0) -> None:
        self._limit = limit
        self._beat = limit / BEATS
        self._emit = emit
        self._waiting = waiting
        self._due = 0.0
        self._seen: tuple[Spot, ...] | None = None
        self._told = False
        self._lag = self._longest = 0.0
        self._blocked = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop_thread = 0

    async def __aenter__(self) -> Self:
        """Begin to watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._await_sign()
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, name="hardy: watchdog", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        self._look_back()
        self._stop.set()
        if self._thread is not None:
            self._thread.join()  # it waits for nothing but this event
            self._thread = None

    def statistics(self) -> LoopStatistics:
        """Return how punctual the loop is."""
        return LoopStatistics(lag=self._lag, longest=self._longest, blocked=self._blocked)

    # -- in the loop

    def _await_sign(self) -> None:
        self._due = monotonic() + self._beat
        self._timer = self._loop.call_later(self._beat, self._sign)

    def _sign(self) -> None:
        self._look_back()
        self._await_sign()

    def _look_back(self) -> None:
        """Say how late the loop is, and tell of it when that is too much."""
        self._lag = lag = max(0.0, monotonic() - self._due)
        self._longest = max(self._longest, lag)
        seen, self._seen, self._told = self._seen, None, False
        if lag >= self._limit:
            self._blocked += 1
            self._emit(LoopBlocked(seconds=lag, stack=seen or (), waiting=self._waiting(), over=True))

    # -- in the thread

    def _watch(self) -> None:
        while not self._stop.wait(self._beat):
            late = monotonic() - self._due
            if late < self._limit / 4:
                continue
            if self._seen is None:
                self._seen = self._spots()
            elif late >= STUCK and not self._told:
                self._told = True
                stack = self._seen = self._spots()
                self._emit(LoopBlocked(seconds=late, stack=stack, waiting=self._waiting(), over=False))

    def _spots(self) -> tuple[Spot, ...]:
        # The way CPython and PyPy offer to look at another thread; faulthandler uses the same.
        frame = sys._current_frames().get(self._loop_thread)
        return () if frame is None else spots_of(frame)
