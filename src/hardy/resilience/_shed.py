"""Adaptive load shedding: under overload some calls are refused at once, so that the others are carried out in time."""

import asyncio
import math
from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic, thread_time

from hardy.core import Call, Emit, Handler, Unavailable
from hardy.resilience._notices import CallShed, OverloadBegan, OverloadEnded
from hardy.resilience._starved import starved

INTERVAL = 0.1
"""Seconds for which the delay must stand before it is overload; CoDel's own."""
BUDGET = 0.005
"""Seconds of work that are let in per turn of the loop under overload; CoDel's target."""
BEAT = 0.02
"""Seconds between two looks at the loop while calls come."""
CROWD = 16
"""Calls in one late turn of the loop from which on they are a crowd, and not one that keeps the others waiting."""
SHARE = 15
"""Least work per time spent on refusing: clients that come back at once cannot eat up the service."""
DEAREST = 0.00005
"""Seconds that one refusal may be thought to take; what is above was spent on something else."""
LEAST = 0.00001
"""Seconds of the loop that no call can do without."""
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

    Overload begins when the delay has stood above *delay* for 100 ms, or when more
    than 100 ms of work are ready at once: left alone, the loop's next turn would have all that
    came meanwhile, and be as many times longer as the load is too much. Then each
    turn of the loop lets in as many calls as fit in 5 ms by the time that
    calls have taken lately, at least one; if refusing takes more than a fifteenth of
    the time, more, so that clients which come back at once do not live on
    refusals. What is over is refused before anything is decoded. It ends when the
    queue has run empty. While there is no overload a call costs a look at the clock.

    A middleware; only calls from outside are refused, none of those that the
    service makes itself (commands), nor any that has begun: a stream counts when it
    starts. A door that can refuse more cheaply asks `admits` before, see `guard`.

    Args:
        delay: Seconds by which the loop may be late for long.
        emit: Told of `OverloadBegan`, `OverloadEnded`, and each `CallShed`.

    Example:
        >>> shed = Shed(delay=0.05)
        >>> shed.statistics().overloaded
        False
    """

    def __init__(self, *, delay: float = 0.05, emit: Emit = lambda notice: None) -> None:
        self._tolerated = delay
        self._emit = emit
        self._overloaded = False
        self._late_at = math.inf
        self._ahead = 0
        self._unguarded = set(_REMOTE)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls = 0
        self._seen = 0
        self._looked = self._due = self._worked = self._starved = 0.0
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
        self._empty = False
        self._last_refusal = 0.0
        self._refusal_cost = 0.0
        self._owed = self._work = self._rate = 0.0

    def __call__(self, call: Call, proceed: Handler) -> Awaitable[object]:
        """Let *call* go on, or refuse it; a middleware.

        Raises:
            Unavailable: There is more to do than can be done.
        """
        return self.around(proceed)(call)

    def around(self, proceed: Handler) -> Handler:
        """Return *proceed* for those calls that are let in: this middleware, bound once."""

        def shedding(call: Call) -> Awaitable[object]:
            self._calls += 1
            if self._loop is None:
                self._watch()
            if call.transport not in self._unguarded:
                self._ahead -= 1
            elif not (self._spends() if self._overloaded or self._is_flooded() else True):
                self._emit(CallShed(transport=call.transport, operation=call.operation.name))
                raise refusal()
            return proceed(call)

        return shedding

    def guard(self, transport: str) -> "Shed":
        """Leave calls of *transport* to its door, which asks `admits` itself."""
        self._unguarded.discard(transport)
        return self

    def admits(self) -> bool:
        """Ask whether one more call may begin; the answer counts. Asked by a door, before the call is a task."""
        if not self._overloaded:
            self._ahead += 1
            # A few calls are no queue, whatever they are thought to take: a machine that is busy with
            # something else makes each look dear, and refusing a lonely client would help nobody.
            if self._ahead < CROWD or self._ahead * self._service <= INTERVAL:
                return True
            self._begin(monotonic())
            self._credit = 0  # this turn has its share, and more
        if self._spends():
            self._ahead += 1
            return True
        return False

    def gave_way(self, seconds: float) -> None:
        """Leave *seconds* of CPU time out of what calls are thought to take: nobody had to wait until it was over.

        Told by a door whose streamed replies let others have their turn now and
        then. Whoever begins has to wait for one such share of each, which shows
        in the delay, and not for all that a stream will ever do.
        """
        self._worked = min(self._worked + seconds, thread_time())  # some of it may be from before the last look
        self._opened += seconds

    def _spends(self) -> bool:
        """Take one call from the credit of this turn; return whether there was one."""
        if self._credit:
            self._credit -= 1
            self._admitted += 1
            self._last_refusal = 0.0
            return True
        now = monotonic()
        if self._last_refusal:  # two in a row: what lies between is what one costs, reading and writing included
            self._refusal_cost += _SMOOTHING * (min(now - self._last_refusal, DEAREST) - self._refusal_cost)
        self._last_refusal = now
        self._refused += 1
        self._shed += 1
        return False

    # -- without overload: is the loop late, and for how long?

    def _watch(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen = self._calls - 1
        self._late_since = None
        self._looked, self._worked, self._starved = monotonic(), thread_time(), starved()
        self._wait()

    def _wait(self) -> None:
        if self._loop is not None:
            self._due = monotonic() + BEAT
            self._late_at = self._due + INTERVAL
            self._waiting = self._loop.call_later(BEAT, self._look)
            self._loop.call_soon(self._all_begun)

    def _all_begun(self) -> None:
        self._ahead = 0  # every task that was made before this was asked for has had its first step

    def _look(self) -> None:
        now = monotonic()
        calls, self._seen = self._calls - self._seen, self._calls
        took, self._looked = now - self._looked, now
        if calls:
            self._learn(calls)
        delay = self._delay = max(0.0, now - self._due)
        without_cpu, self._starved = starved() - self._starved, starved()
        if not calls and delay < self._tolerated:
            self._loop = None  # nobody calls: the next call starts the watch again
            self._late_at = math.inf
            return
        # A target below the time of one call would take each call for a queue (RFC 8289, section 4.2).
        # Time for which others had the CPU is no queue, and refusing would not shorten it.
        if delay - without_cpu <= max(self._tolerated, 2 * took / max(1, calls)):
            self._late_since = None
        elif self._late_since is None and now - self._left > RECENT:
            self._late_since = now
        elif self._late_since is None or now - self._late_since >= INTERVAL:
            self._begin(now)
            return
        self._wait()

    def _is_flooded(self) -> bool:
        """Whether this turn is too long because of many calls; for those whose tasks are made by somebody else."""
        if self._calls - self._seen < CROWD or (now := monotonic()) < self._late_at:
            return False
        if thread_time() - self._worked <= INTERVAL:
            return False
        self._begin(now)
        self._credit = 0
        return True

    # -- under overload: so many calls per turn

    def _begin(self, now: float) -> None:
        self._overloaded = True
        self._loop = asyncio.get_running_loop()
        self._admitted, self._owed = self._calls - self._seen, 0.0
        self._opened = self._looked
        self._delay = max(0.0, now - self._due)
        if self._waiting is not None:
            self._waiting.cancel()
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        else:
            self._overloads += 1
            self._began = now
            self._shed_before = self._shed
            self._emit(OverloadBegan(delay=self._delay))
        self._open()

    def _open(self) -> None:
        """Begin a turn of the loop."""
        now = monotonic()
        self._learn(self._admitted, now - self._opened)
        self._opened = now
        self._credit = max(1, int(max(BUDGET, self._owed) / max(self._service, LEAST)))
        self._admitted = self._refused = 0
        self._last_refusal = 0.0
        self._empty = False
        if self._loop is not None:
            self._waiting = self._loop.call_soon(self._turned)

    def _turned(self) -> None:
        if self._admitted:
            self._open()
        elif self._loop is not None and not self._empty:
            self._empty = True  # the loop may not have looked at its sockets in between
            self._waiting = self._loop.call_soon(self._turned)
        elif self._loop is not None:  # nobody came: the queue has run empty, or calls in flight leave it time
            self._waiting = self._loop.call_later(BUDGET, self._paused)

    def _learn(self, calls: int, took: float = 0.0) -> None:
        """Estimate anew what one call takes: the loop's work by the calls let in, both averaged.

        Work is CPU time, so that a machine which others use as well makes no
        call look dearer than a refusal. A thread that had little of it in the time it *took*
        was not robbed but blocked.
        """
        refusing = self._refused * self._refusal_cost
        worked, self._worked = thread_time() - self._worked, thread_time()
        if worked < took / 4:
            worked = took
        work = max(worked - refusing, worked / 2)
        # Never more than may be late for long: a debt that cannot be paid must not let everybody in.
        self._owed = min(max(0.0, self._owed + SHARE * refusing - work), self._tolerated)
        if not (calls or self._rate):
            return
        if self._rate:
            self._work += _SMOOTHING * (work - self._work)
            self._rate += _SMOOTHING * (calls - self._rate)
        else:
            self._work, self._rate = work, float(calls)
        self._service = self._work / max(self._rate, 0.01)

    def _paused(self) -> None:
        if self._refused:
            self._opened = monotonic()  # part of the time the loop had nothing to do
            self._open()
            return
        self._overloaded = False
        self._left = self._looked = monotonic()
        self._worked, self._seen = thread_time(), self._calls
        self._starved = starved()
        self._late_since = None
        if self._loop is not None:
            self._ending = self._loop.call_later(RECENT, self._end)
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
        self._overloaded = False
        self._late_at = math.inf

    def statistics(self) -> ShedStatistics:
        """Return how much was refused, and why."""
        return ShedStatistics(
            overloaded=self._overloaded,
            overloads=self._overloads,
            shed=self._shed,
            delay=self._delay,
            service=self._service,
        )


def refusal() -> Unavailable:
    """Return what a call is refused with."""
    return Unavailable("the service is overloaded", retry_after=RETRY_AFTER)
