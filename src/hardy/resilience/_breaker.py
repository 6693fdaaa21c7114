"""Not asking a peer that does not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypeVar

from hardy.core import Clock, Emit, Error, SystemClock, Unavailable
from hardy.resilience._breaker_counts import BreakerCounts, Window
from hardy.resilience._breaker_notices import BreakerClosed, BreakerHalfOpened, BreakerOpened, BreakerReopened

T = TypeVar("T")

BreakerState = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Trip:
    """When a breaker opens.

    Example:
        >>> Trip(lambda counts: counts.failures > 100, window=60).opens(BreakerCounts(failures=101))
        True
    """

    opens: Callable[[BreakerCounts], bool]
    """Asked after each failure, with the counts since the breaker closed or of the window."""
    window: float | None = None
    """Seconds over which calls are counted; they roll on in ten steps. Without one, since the breaker closed."""


_PEERS_FAULT = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "DATA_LOSS", "RESOURCE_EXHAUSTED"})


class BreakerRefused(Unavailable):
    """The breaker is open, or half-open with as many trials in flight as it allows."""

    reason = "breaker_open"


def consecutive_failures(number: int) -> Trip:
    """Open after such a *number* of failures in a row.

    Example:
        >>> consecutive_failures(3).opens(BreakerCounts(consecutive_failures=3))
        True
    """
    return Trip(lambda counts: counts.consecutive_failures >= number)


FIVE_IN_A_ROW = consecutive_failures(5)


def failure_ratio(share: float, *, least: int = 10, window: float = 10.0) -> Trip:
    """Open when at least *share* of the calls within the *window* failed, once there are at *least* so many.

    Example:
        >>> failure_ratio(0.5, least=4).opens(BreakerCounts(requests=4, failures=2))
        True
    """
    return Trip(lambda counts: counts.requests >= least and counts.failures >= share * counts.requests, window)


def is_peers_fault(error: BaseException) -> bool:
    """Return whether *error* says that the peer is unwell, rather than that it answered no.

    Anything that is not a `hardy.core.Error` does; of those, the ones that a healthy peer does not send.

    Example:
        >>> from hardy.core import NotFound
        >>> is_peers_fault(NotFound("no such price")), is_peers_fault(ConnectionResetError())
        (False, True)
    """
    return not isinstance(error, Error) or error.code.name in _PEERS_FAULT


def _is_answer(error: BaseException) -> bool:
    return not is_peers_fault(error)


@dataclass(frozen=True, slots=True)
class BreakerStatistics:
    """What a breaker counts and did."""

    state: BreakerState
    counts: BreakerCounts
    opened: int
    """Times it opened."""
    refused: int


class Breaker:
    """Stands before a peer; refuses calls at once while the peer is known not to answer.

    *Closed*, it lets everything through and counts. When its `Trip` says so it *opens*: calls are refused with
    `BreakerRefused` for so many seconds. Then it is *half-open*: at most *trials* calls are let through, never
    more at once nor in all; the success of every one of them closes it, a failure opens it again. The behaviour
    is that documented for ``sony/gobreaker``. A call that began in an earlier state says nothing about
    the present one, and a call that is cancelled says nothing at all: its place as a trial is free again.

    Use it as ``async with breaker:`` around what may fail, or as ``await breaker.call(function)``. It belongs to
    one event loop; entering never waits.

    Args:
        name: Of the peer, for notices.
        trip: When to open: `consecutive_failures` (5 if nothing is said), `failure_ratio`, or one of your own.
        open_for: Seconds to stay open before trials.
        trials: Calls let through while half-open.
        is_successful: Tells of a raised error whether the peer is well all the same. By default errors by
            which a peer answers, such as ``NotFound``, are successes.
        emit: Told of `BreakerOpened`, `BreakerHalfOpened`, `BreakerReopened` and `BreakerClosed`.
        clock: Only its monotonic time counts.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     breaker = Breaker("prices", trip=consecutive_failures(1))
        ...     try:
        ...         async with breaker:
        ...             raise ConnectionResetError
        ...     except ConnectionResetError:
        ...         pass
        ...     async with breaker:
        ...         print("not reached")
        >>> asyncio.run(main())
        Traceback (most recent call last):
            ...
        hardy.resilience.BreakerRefused: `prices` does not answer
    """

    def __init__(
        self,
        name: str,
        *,
        trip: Trip = FIVE_IN_A_ROW,
        open_for: float = 1.0,
        trials: int = 1,
        is_successful: Callable[[BaseException], bool] | None = None,
        emit: Emit = lambda notice: None,
        clock: Clock | None = None,
    ) -> None:
        if trials < 1:
            raise ValueError("a breaker that is half-open lets at least one trial through")
        self.name = name
        self._trip = trip
        self._open_for = open_for
        self._trials = trials
        self._is_successful = is_successful or _is_answer
        self._emit = emit
        self._monotonic = (clock or SystemClock()).monotonic
        self._window = Window(trip.window, self._monotonic)
        self._state: BreakerState = "closed"
        self._generation = 0
        """Rises with every change of state; calls of an earlier one are not counted."""
        self._until = 0.0
        self._since = 0.0
        self._entered: dict[asyncio.Task[object] | None, list[int]] = {}
        self._opened = self._refused = 0

    @property
    def state(self) -> BreakerState:
        """What it does now: ``"closed"``, ``"open"`` or ``"half-open"``."""
        if self._state == "open" and self._monotonic() >= self._until:
            self._become("half-open")
            self._emit(BreakerHalfOpened(name=self.name))
        return self._state

    async def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Return what *function* returns, unless it is refused.

        Raises:
            BreakerRefused: The peer is known not to answer.
        """
        generation = self._admit()
        try:
            result = await function()
        except BaseException as error:
            self._leave(generation, error)
            raise
        self._leave(generation, None)
        return result

    async def __aenter__(self) -> Self:
        """Go on, unless it is refused.

        Raises:
            BreakerRefused: The peer is known not to answer.
        """
        generation = self._admit()
        self._entered.setdefault(asyncio.current_task(), []).append(generation)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Count how the block ended."""
        task = asyncio.current_task()
        generations = self._entered[task]
        generation = generations.pop()
        if not generations:
            del self._entered[task]
        self._leave(generation, error)

    def _admit(self) -> int:
        state = self._state if self._state == "closed" else self.state
        if state == "open" or (state == "half-open" and self._window.counts().requests >= self._trials):
            self._refused += 1
            left = max(0.0, self._until - self._monotonic()) if state == "open" else self._open_for
            raise BreakerRefused(f"`{self.name}` does not answer", retry_after=max(0.001, left))
        self._window.begin()
        return self._generation

    def _leave(self, generation: int, error: BaseException | None) -> None:
        if generation != self._generation:
            return
        if error is None:
            self._succeeded()
        elif isinstance(error, Exception):
            if self._is_successful(error):
                self._succeeded()
            else:
                self._failed(error)
        else:  # cancelled, or the process ends: nothing is known about the peer
            self._window.take_back()

    def _succeeded(self) -> None:
        self._window.succeed()
        if self._state == "half-open" and self._window.counts().consecutive_successes >= self._trials:
            self._become("closed")
            self._emit(BreakerClosed(name=self.name, seconds=self._monotonic() - self._since))

    def _failed(self, error: Exception) -> None:
        self._window.fail()
        counts = self._window.counts()
        if self._state == "half-open" or self._trip.opens(counts):
            again = self._state == "half-open"
            self._become("open")
            now = self._monotonic()
            self._until = now + self._open_for
            self._opened += 1
            if again:
                self._emit(BreakerReopened(name=self.name, error=error))
                return
            self._since = now
            self._emit(BreakerOpened(name=self.name, counts=counts, error=error))

    def _become(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        # Trials are counted however long they take; what rolls is the window of the closed state.
        self._window = Window(self._trip.window if state == "closed" else None, self._monotonic)

    def statistics(self) -> BreakerStatistics:
        """Return what it counts and did."""
        return BreakerStatistics(
            state=self.state, counts=self._window.counts(), opened=self._opened, refused=self._refused
        )
