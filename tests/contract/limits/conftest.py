"""Every adapter of the port `Limiter`; each test of the contract runs over all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings
from hardy.resilience import Limiter, MemoryLimiter
from hardy.testing import VirtualClock


@dataclass
class Opened:
    """A limiter, and the one of another process."""

    limiter: Limiter
    other: Limiter
    clock: VirtualClock | None = None

    async def pass_(self, seconds: float) -> None:
        """Let time pass."""
        if self.clock is None:
            await asyncio.sleep(seconds)  # the server's clock: nobody turns it
        else:
            self.clock.advance(seconds)


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    if kind == "memory":
        clock = VirtualClock()
        limiter = MemoryLimiter(clock=clock)
        yield Opened(limiter, limiter, clock)
        return
    settings = RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10)
    async with Redis(settings) as one, Redis(settings) as two:
        yield Opened(RedisLimiter(one, timeout=10), RedisLimiter(two, timeout=10))


@pytest.fixture(params=["memory", "redis"])
async def at(request):
    """An opened limiter."""
    async with opened(request.param, request) as found:
        yield found
