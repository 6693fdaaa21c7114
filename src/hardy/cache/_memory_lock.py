"""The port `Lock` in one process."""

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from hardy.cache._lock import Lock
from hardy.core import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class LockStatistics:
    """What became of attempts to hold a name."""

    held: int
    """Names held now."""
    waiting: int
    taken: int
    refused: int
    """Attempts that ended because somebody else held the name for too long."""


class _Waiting(NamedTuple):
    turn: "asyncio.Future[int]"
    """Gets the token, and the name with it."""
    ttl: float


@dataclass(slots=True)
class _Name:
    token: int = 0
    until: float = -math.inf
    waiting: deque[_Waiting] = field(default_factory=deque[_Waiting])


class MemoryLock(Lock):
    """Locks among the tasks of this process; who waited longest is next.

    A component, refused beside several replicas or workers in production. Tokens rise for as long as the object
    lives. A name that nobody holds costs nothing.

    Args:
        clock: Tells when a hold that is not extended ends.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     lock = MemoryLock()
        ...     async with lock.hold("invoices"):
        ...         return await lock.take("invoices", ttl=1, wait=0)
        >>> print(asyncio.run(main()))
        None
    """

    process_local = True
    instead = "app.manage(RedisLock(redis)), from hardy.adapters.redis, or PostgresLock"
    worker_local = True
    port = Lock

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._names: dict[str, _Name] = {}
        self._token = self._taken = self._refused = 0

    async def __aenter__(self) -> Self:
        """Return itself: nothing is to be opened."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def take(self, name: str, *, ttl: float, wait: float) -> int | None:
        """Become the holder of *name*, after those who wait for it already."""
        state = self._names.setdefault(name, _Name())
        waiting = _Waiting(asyncio.get_running_loop().create_future(), ttl)
        state.waiting.append(waiting)
        self._serve(name, state)
        try:
            if not waiting.turn.done() and wait > 0:
                await self._wait(name, state, waiting, time.monotonic() + wait)
        except asyncio.CancelledError:
            if waiting.turn.done():
                await self.release(name, waiting.turn.result())
            raise
        finally:
            if waiting in state.waiting:
                state.waiting.remove(waiting)
        if waiting.turn.done():
            return waiting.turn.result()
        self._refused += 1
        return None

    async def _wait(self, name: str, state: _Name, waiting: _Waiting, end: float) -> None:
        """Wait for the turn to come; meanwhile see to it that a hold which ran out ends."""
        while not waiting.turn.done() and (left := end - time.monotonic()) > 0:
            expiry = max(0.001, state.until - self._clock.monotonic())
            await asyncio.wait([waiting.turn], timeout=min(left, expiry))
            self._serve(name, state)

    def _serve(self, name: str, state: _Name) -> None:
        """Give a name that nobody holds to who has waited longest; forget it when nobody wants it."""
        now = self._clock.monotonic()
        while state.until <= now and state.waiting:
            turn, ttl = state.waiting.popleft()
            if not turn.done():
                self._token += 1
                self._taken += 1
                state.token, state.until = self._token, now + ttl
                turn.set_result(self._token)
        if state.until <= now and self._names.get(name) is state:
            del self._names[name]

    async def extend(self, name: str, token: int, *, ttl: float) -> bool:
        """Hold *name* for *ttl* seconds from now, if *token* is its holder."""
        state = self._names.get(name)
        now = self._clock.monotonic()
        if state is None or state.token != token or state.until <= now:
            return False
        state.until = now + ttl
        return True

    async def release(self, name: str, token: int) -> bool:
        """Let go of *name*, if *token* is its holder."""
        state = self._names.get(name)
        if state is None or state.token != token:
            return False
        held = state.until > self._clock.monotonic()
        state.until = -math.inf
        self._serve(name, state)
        return held

    def statistics(self) -> LockStatistics:
        """Return what became of attempts to hold a name."""
        now = self._clock.monotonic()
        held = sum(1 for state in self._names.values() if state.until > now)
        waiting = sum(len(state.waiting) for state in self._names.values())
        return LockStatistics(held, waiting, self._taken, self._refused)
