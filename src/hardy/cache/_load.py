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

REST = 1.0
"""Seconds for which a lock that did not answer is left alone."""
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
        answer: Seconds that the lock has to answer, before the load goes on without. On a machine under load that
            may be long; a lock that is away must not cost it for every load, so it is left alone for a while.
    """

    def __init__(self, lock: Lock, *, patience: float, answer: float) -> None:
        self._lock = lock
        self._patience = patience
        self._answer = answer
        self._silent = False
        self._rest_until = 0.0

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
        if self._silent:
            if time.monotonic() < self._rest_until:
                return _Turn.NONE
            self._rest()  # for the others: this one tries
        turn = _Turn.MINE
        try:
            with Budget(self._answer):
                await stack.enter_async_context(self._lock.hold(f"load {key}", ttl=10, wait=0))
        except LockTaken:
            turn = _Turn.TAKEN
        except (Unavailable, OSError):
            self._rest()
            return _Turn.NONE
        self._silent = False
        return turn

    def _rest(self) -> None:
        self._silent = True
        self._rest_until = time.monotonic() + REST
