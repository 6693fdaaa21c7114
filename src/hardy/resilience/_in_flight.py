"""The calls being carried out, and the one clock hand that ends the late ones."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardy.core import Call, DeadlineExceeded, Error, Handler, Operation


@dataclass(frozen=True, slots=True)
class InFlightStatistics:
    """How many calls there are and were."""

    now: int
    """Calls being carried out."""
    started: int
    """Calls begun since the start."""
    late: int
    """Calls ended by their deadline."""


class InFlight:
    """Knows every call being carried out and cancels each at its deadline.

    One timer serves all calls: it is set for the earliest deadline, so a call
    that ends in time costs one entry in a set and no timer of its own
    (``asyncio.timeout`` and ``call_at`` per call cost as much as the rest of a
    small call together).

    Args:
        timeout: Seconds for a unary call, or for a stream's first item, unless
            the operation says otherwise. What the caller asks for can only
            shorten it.

    Example:
        >>> import asyncio
        >>> from hardy.core import Call, Operation
        >>> async def nap() -> None:
        ...     await asyncio.sleep(60)
        >>> async def handler(call):
        ...     await nap()
        >>> async def main():
        ...     in_flight = InFlight(timeout=0.01)
        ...     call = Call(Operation.of(nap), "direct")
        ...     await call.run(lambda call: in_flight.bound(call, handler))
        >>> asyncio.run(main())
        Traceback (most recent call last):
            ...
        hardy.core.DeadlineExceeded: the call took longer than 0.01 s
    """

    def __init__(self, *, timeout: float = 30.0) -> None:
        self.timeout = timeout
        self._calls: dict[Call, float] = {}
        """Each with the seconds it was allowed."""
        self._allowed: dict[Operation, float] = {}
        """The seconds of each operation that was called."""
        self._timer: asyncio.TimerHandle | None = None
        self._armed = math.inf
        self._idle: asyncio.Future[None] | None = None
        self._started = 0
        self._late = 0

    def __len__(self) -> int:
        return len(self._calls)

    async def bound(self, call: Call, proceed: Handler) -> object:
        """Carry the call out within its deadline; a middleware.

        Raises:
            DeadlineExceeded: The time ran out before the reply.
        """
        return await self.around(proceed)(call)

    def around(self, proceed: Handler) -> Handler:
        """Return *proceed* within the deadline of each call: `bound`, bound once."""
        calls, known, monotonic = self._calls, self._allowed, time.monotonic

        async def bounded(call: Call) -> object:
            allowed = known.get(call.operation)
            if allowed is None:
                allowed = self._learn(call.operation)
            if call.timeout is not None:
                allowed = min(allowed, call.timeout)
            call.due = due = monotonic() + allowed
            calls[call] = allowed
            self._started += 1
            if due < self._armed:
                self._arm(due)
            try:
                return await proceed(call)
            finally:
                del calls[call]
                if not calls and self._idle is not None:
                    self._settle(self._idle)

        return bounded

    def _learn(self, operation: Operation) -> float:
        allowed = self._allowed[operation] = self._allow(operation)
        return allowed

    def _allow(self, operation: Operation) -> float:
        if operation.timeout is not None:
            return operation.timeout
        # A client's stream is as long as the client makes it.
        return math.inf if operation.kind.streams_in else self.timeout

    def flowing(self, call: Call) -> None:
        """Lift the deadline of a stream whose first item is out, but for what the caller asked."""
        if call.timeout is None:
            call.due = math.inf
            return
        begun = call.due - self._calls[call]
        call.due = begun + call.timeout
        self._calls[call] = call.timeout

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = due
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, due - time.monotonic()), self._tick)

    def _tick(self) -> None:
        # First of all: an error below must not stop time for everybody.
        self._timer, self._armed = None, math.inf
        now = time.monotonic()
        due = math.inf
        for call in tuple(self._calls):
            at = call.due
            if at > now:
                due = min(due, at)
            elif call.cancelled is None:
                self._late += 1
                call.cancel(DeadlineExceeded(_too_long(self._calls[call])))
        if due < math.inf:
            self._arm(due)

    async def wait_idle(self, timeout: float) -> bool:
        """Wait until no call is left, at most *timeout* seconds; return whether none is."""
        if not self._calls:
            return True
        self._idle = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._idle
        except TimeoutError:
            return False
        finally:
            self._idle = None
        return True

    @staticmethod
    def _settle(idle: "asyncio.Future[None]") -> None:
        if not idle.done():
            idle.set_result(None)

    def cancel(self, reason: Error, *, only: Callable[[Call], bool] | None = None) -> Sequence[Call]:
        """Cancel every call with *reason*, or *only* some; return them, for the report."""
        calls = [call for call in self._calls if only is None or only(call)]
        for call in calls:
            call.cancel(reason)
        return calls

    def calls(self) -> Sequence[Call]:
        """Return the calls being carried out."""
        return tuple(self._calls)

    def statistics(self) -> InFlightStatistics:
        """Return how many calls there are and were."""
        return InFlightStatistics(now=len(self._calls), started=self._started, late=self._late)


def _too_long(allowed: float) -> str:
    return f"the call took longer than {allowed:g} s"
