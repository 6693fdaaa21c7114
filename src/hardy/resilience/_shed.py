"""Adaptive load shedding: under overload some calls are refused at once, so that the others are carried out in time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hardy.core import Call, Emit, Handler, Notice, Unavailable
from hardy.resilience._notices import CallShed, OverloadBegan, OverloadEnded

INTERVAL = 0.1
"""Seconds for which the delay must stand before it is overload; CoDel's own."""
BUDGET = 0.005
"""Seconds of work that are let in per turn of the loop under overload; CoDel's target."""
BEAT = 0.02
"""Seconds between two looks at the loop while calls come."""
SHARE = 10
"""Least work per time spent on refusing: clients that come back at once cannot eat up the service."""
RECENT = 1.0
"""Seconds in which a return of the delay is the same overload."""
RETRY_AFTER = 1.0
"""Seconds after which a client that was refused should come back."""
_SMOOTHING = 0.2
_REMOTE = frozenset({"http", "grpc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShedStatistics:
    """How much was refused, and why."""

    overloaded: bool
    overloads: int
    """Times that it began."""
    shed: int
    """Calls refused since the start."""
    delay: float
    """Seconds by which the event loop was late at the last look."""
    service: float
    """Seconds of the loop that one call takes, as estimated under load."""


class Shed:
    """Refuses what cannot be carried out in time, while it is cheap to refuse.

    The rule is CoDel's (Nichols and Jacobson, "Controlling Queue Delay", ACM
    Queue 2012; RFC 8289) in the form that Facebook gave it for servers (Maurer,
    "Fail at Scale", ACM Queue 2015): a queue that absorbs a burst is good, one
    that stands is bad, and the time spent in it tells them apart without knowing
    the service's capacity. In an asyncio service the queue that everything
    stands in is the event loop's own, so its delay is what is measured: by
    how much a timer is late. CPU load says little here, for a loop that is busy
    and one that is lost both show a full core. A limit on concurrency found from
    latencies (Netflix's gradient, Kratos' BBR) takes a use case that waits for
    a slow peer, or a change in the mix of calls, for overload, and does not
    see calls that run without suspending, which are never concurrent. Queues
    with bounds of their own (pools of connections, of threads) refuse by
    themselves what waits too long.

    Overload begins when the delay has stood above *delay* for 100 ms. Then each
    turn of the loop lets in as many calls as fit in 5 ms by the time that
    calls have taken lately, at least one; if refusing takes more than a tenth of
    the time, more, so that clients which come back at once do not live on
    refusals. What is over is refused before anything is decoded. It ends when the
    queue has run empty. While there is no overload a call costs a look at a flag.

    A middleware; only calls from outside are refused, none of those that the
    service makes itself (commands), nor any that has begun: a stream counts when it
    starts. A door that can refuse more cheaply asks `admits` first, see `guard`.

    Args:
        delay: Seconds by which the loop may be late for long.
        emit: Told of `OverloadBegan`, `OverloadEnded`, and each `CallShed`.

    Example:
        >>> shed = Shed(delay=0.05)
        >>> shed.statistics().overloaded
        False
    """

    def __init__(self, *, delay: float = 0.05, emit: Emit = lambda notice: None) -> None:
        self.overloaded = False
        """Whether calls are being refused: doors look at it before they ask `admits`."""
        self._tolerated = delay
        self._emit: Callable[[Notice], None] = emit
        self._unguarded = set(_REMOTE)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls = 0
        self._seen = 0
        self._looked = self._due = 0.0
        self._late_since: float | None = None
        self._delay = 0.0
        self._service = 0.0
        self._began = self._left = 0.0
        self._waiting: asyncio.Handle | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._overloads = self._shed = self._shed_before = 0
        # One turn of the loop under overload:
        self._opened = 0.0
        self._credit = self._admitted = self._refused = 0
        self._last_refusal = 0.0
        self._refusal_cost = 0.0

    def __call__(self, call: Call, proceed: Handler) -> Awaitable[object]:
        """Let *call* go on, or refuse it; a middleware.

        Raises:
            Unavailable: There is more to do than can be done.
        """
        self._calls += 1
        if self._loop is None:
            self._watch()
        elif self.overloaded and call.transport in self._unguarded and not self.admits():
            self._emit(CallShed(transport=call.transport, operation=call.operation.name))
            raise refusal()
        return proceed(call)

    def guard(self, transport: str) -> "Shed":
        """Leave calls of *transport* to its door, which looks at `overloaded` and asks `admits` itself."""
        self._unguarded.discard(transport)
        return self

    def admits(self) -> bool:
        """Ask under overload whether one more call may begin; the answer counts."""
        if self._credit:
            self._credit -= 1
            self._admitted += 1
            self._last_refusal = 0.0
            return True
        now = time.monotonic()
        if self._last_refusal:  # two in a row: what lies between is what one costs, reading and writing included
            self._refusal_cost += _SMOOTHING * (min(now - self._last_refusal, 0.001) - self._refusal_cost)
        self._last_refusal = now
        self._refused += 1
        self._shed += 1
        return False

    # -- without overload: is the loop late, and for how long?

    def _watch(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen = self._calls - 1
        self._late_since = None
        self._looked = time.monotonic()
        self._wait()

    def _wait(self) -> None:
        if self._loop is not None:
            self._due = time.monotonic() + BEAT
            self._waiting = self._loop.call_later(BEAT, self._look)

    def _look(self) -> None:
        now = time.monotonic()
        calls, self._seen = self._calls - self._seen, self._calls
        took, self._looked = now - self._looked, now
        delay = self._delay = max(0.0, now - self._due)
        if not calls and delay < self._tolerated:
            self._loop = None  # nobody calls: the next call starts the watch again
            return
        service = took / max(1, calls)
        # A target below the time of one call would take each call for a queue (RFC 8289, section 4.2).
        if delay <= max(self._tolerated, 2 * service):
            self._late_since = None
        elif self._late_since is None and now - self._left > RECENT:
            self._late_since = now
        elif self._late_since is None or now - self._late_since >= INTERVAL:
            self._service = service
            self._begin(now)
            return
        self._wait()

    # -- under overload: so many calls per turn

    def _begin(self, now: float) -> None:
        self.overloaded = True
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        else:
            self._overloads += 1
            self._began = now
            self._shed_before = self._shed
            self._emit(OverloadBegan(delay=self._delay))
        self._open(now)

    def _open(self, now: float) -> None:
        """Begin a turn of the loop."""
        budget = max(BUDGET, SHARE * self._refused * self._refusal_cost)
        self._credit = max(1, int(budget / self._service))
        self._opened = now
        self._admitted = self._refused = 0
        self._last_refusal = 0.0
        if self._loop is not None:
            self._waiting = self._loop.call_soon(self._turned)

    def _turned(self) -> None:
        now = time.monotonic()
        if self._admitted:
            took = now - self._opened
            work = max(took - self._refused * self._refusal_cost, took / 2)
            self._service += _SMOOTHING * (work / self._admitted - self._service)
        elif self._loop is not None:  # nobody came in this turn, so the queue has run empty
            self._admitted = self._refused = 0
            self._waiting = self._loop.call_later(BUDGET, self._pause_over)
            return
        self._open(now)

    def _pause_over(self) -> None:
        now = time.monotonic()
        if self._refused:
            self._open(now)
            return
        self.overloaded = False
        self._left = now
        if self._loop is not None:
            self._ending = self._loop.call_later(RECENT, self._end)
        self._late_since = None
        self._looked, self._seen = now, self._calls
        self._wait()

    def _end(self) -> None:
        self._ending = None
        self._emit(OverloadEnded(seconds=self._left - self._began, shed=self._shed - self._shed_before))

    def stop(self) -> None:
        """Let go of the loop, which is about to end; the next call takes hold of its own."""
        for each in (self._waiting, self._ending):
            if each is not None:
                each.cancel()
        self._loop = self._waiting = self._ending = None
        self.overloaded = False

    def statistics(self) -> ShedStatistics:
        """Return how much was refused, and why."""
        return ShedStatistics(
            overloaded=self.overloaded,
            overloads=self._overloads,
            shed=self._shed,
            delay=self._delay,
            service=self._service,
        )


def refusal() -> Unavailable:
    """Return what a call is refused with."""
    return Unavailable("the service is overloaded", retry_after=RETRY_AFTER)
