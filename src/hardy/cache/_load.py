"""Loading in turn with other replicas, under a lock that is never an outage either."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from enum import Enum

from hardy.cache._budget import Budget
from hardy.cache._hold import LockLost, LockTaken
from hardy.cache._lock import Lock
from hardy.core import Unavailable

BUDGET = 0.05
"""Seconds that taking the lock may take before the load goes on without."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
"""Seconds between two looks whether another replica has loaded the value."""


class _Turn(Enum):
    MINE = 1
    TAKEN = 2
    NONE = 3


class Turns:
    """Lets one replica load a key while the others look whether it has.

    Args:
        patience: Seconds for which another replica is waited for.
    """

    def __init__(self, lock: Lock, *, patience: float) -> None:
        self._lock = lock
        self._patience = patience

    async def load(
        self, key: str, look: Callable[[], Awaitable[bytes | None]], load: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """Return what *look* finds once another replica has loaded it, or what *load* returns."""
        end = time.monotonic() + self._patience
        pause = FIRST_PAUSE
        loaded: bytes | None = None
        try:
            while time.monotonic() < end:
                async with AsyncExitStack() as stack:
                    turn = await self._take(stack, key)
                    if turn is _Turn.NONE:
                        break
                    if turn is _Turn.TAKEN:
                        await asyncio.sleep(pause * (0.5 + random.random()))
                        pause = min(2 * pause, LONGEST_PAUSE)
                    loaded = await look()
                    if loaded is None and turn is _Turn.MINE:
                        loaded = await load()
                if loaded is not None:
                    return loaded
        except LockLost:  # two may have loaded it, which is no more than dear
            if loaded is not None:
                return loaded
        return await load()

    async def _take(self, stack: AsyncExitStack, key: str) -> _Turn:
        try:
            with Budget(BUDGET):
                await stack.enter_async_context(self._lock.hold(f"load {key}", ttl=10, wait=0))
        except LockTaken:
            return _Turn.TAKEN
        except (Unavailable, OSError):
            return _Turn.NONE
        return _Turn.MINE
