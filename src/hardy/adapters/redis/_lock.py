"""The port `Lock` on a server that all replicas share."""

import asyncio
import random
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Self

from hardy.adapters.redis._redis import Redis
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._wait import Wait
from hardy.cache import Lock, LockStatistics

# The token is one more than the last, and never less than the server's time in microseconds. While the server
# keeps its data the first makes tokens rise, whatever its clock does; when it has lost them, the second does.
_TAKE = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return -math.max(redis.call('PTTL', KEYS[1]), 0) end
local now = redis.call('TIME')
local token = math.max(now[1] * 1000000 + now[2], (tonumber(redis.call('GET', KEYS[2])) or 0) + 1)
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], text, 'PX', ARGV[1])
return token
""")
_EXTEND = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")
SHORTEST, LONGEST = 0.005, 0.1
"""Seconds between two attempts to take a name that somebody holds; doubled from one to the other, and jittered."""

MOST_COUNTED = 10_000


class RedisLock(Lock):
    """Locks among all replicas, on one Redis or Valkey server.

    A component that yields `Lock`. Waiting is asking again, up to ten times a
    second; whoever asks first when the name is free gets it.

    What is guaranteed, and what is not. On one server that keeps its data, one
    holder at a time, until its time is over by the server's clock. A clock
    set forward, a restart that lost the last second's writes
    (``appendfsync everysec``), a fail-over to a replica that had not heard of
    the lock: each can make a second holder while the first still runs. That is why there
    are fencing tokens. They rise over all names: while the server keeps its
    data whatever its clock does, and after it has lost them because no
    token is less than the server's time in microseconds. Only losing the data
    *and* setting the clock back behind the last token breaks that. Let the
    store that is written to refuse lower tokens than it has seen.

    Args:
        redis: The server; manage it before.
        prefix: Put before every key.

    Example:
        >>> async def main(redis: Redis) -> None:
        ...     async with RedisLock(redis) as lock, lock.hold("invoices", ttl=10) as held:
        ...         print(held.token)
    """

    port = Lock

    def __init__(self, redis: Redis, *, prefix: str = "lock:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._counter = f"{prefix}fence"
        self._until: dict[int, float] = {}
        """When the holds of this process end, by their tokens."""
        self._waiting = self._taken = self._refused = 0

    async def __aenter__(self) -> Self:
        """Return itself: the connection is the server's."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close nothing; what is still held ends with its time to live."""

    async def take(self, name: str, *, ttl: float, wait: float) -> int | None:
        """Become the holder of *name*, asking again while somebody else is."""
        self._waiting += 1
        try:
            token = await self._wait(name, ttl, monotonic() + wait)
        finally:
            self._waiting -= 1
        if token is None:
            self._refused += 1
        else:
            self._taken += 1
            if len(self._until) > MOST_COUNTED:
                self.statistics()  # holds that nobody let go of are forgotten
            self._until[token] = monotonic() + ttl
        return token

    async def _wait(self, name: str, ttl: float, end: float) -> int | None:
        pause = SHORTEST
        while True:
            answer = await self._try(name, ttl)
            if answer > 0:
                return answer
            left = end - monotonic()
            if left <= 0:
                return None
            # A minus sign means the milliseconds for which it is still held.
            await asyncio.sleep(min(left, max(0.001, -answer / 1000), pause * random.uniform(0.5, 1.0)))
            pause = min(pause * 2, LONGEST)

    async def extend(self, name: str, token: int, *, ttl: float) -> bool:
        """Hold *name* for *ttl* seconds from now, if *token* is its holder."""
        if await self._redis.run(_EXTEND, [self._key(name)], [token, ceil(ttl * 1000)]) == 1:
            self._until[token] = monotonic() + ttl
            return True
        self._until.pop(token, None)
        return False

    async def release(self, name: str, token: int) -> bool:
        """Let go of *name*, if *token* is its holder."""
        self._until.pop(token, None)
        return await self._redis._run(_RELEASE, [self._key(name)], [token], Wait(past_deadline=True)) == 1

    def statistics(self) -> LockStatistics:
        """Return what became of attempts to hold a name, in this process."""
        now = monotonic()
        self._until = {token: until for token, until in self._until.items() if until > now}
        return LockStatistics(len(self._until), self._waiting, self._taken, self._refused)

    def _key(self, name: str) -> str:
        return f"{self._prefix}held:{name}"

    async def _try(self, name: str, ttl: float) -> int:
        key = self._key(name)

        def give_back(late: object) -> None:
            if isinstance(late, int) and late > 0:
                self._redis._tell("EVAL", _RELEASE.source, 1, key, late)

        answer = await self._redis._run(_TAKE, [key, self._counter], [ceil(ttl * 1000)], Wait(late=give_back))
        assert isinstance(answer, int)
        return answer
