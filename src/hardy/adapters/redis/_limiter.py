"""The port `Limiter` on a server that all replicas share."""

from math import inf
from types import TracebackType
from typing import Self, cast

from hardy.adapters.redis._redis import Redis
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._statistics import RedisLimiterStatistics
from hardy.core import Unavailable
from hardy.resilience import Admission, Breaker, Limiter, Rate

# `hardy.resilience.gcra`, line by line, in whole microseconds of the server's clock: below 2^53 until the year 2255.
_ADMIT = Script("""
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = burst * interval
local start = math.min(math.max(tonumber(redis.call('GET', KEYS[1])) or now, now), now + full)
local moment = start + cost * interval
local wait = moment - full - now
if wait > 0 then
  return {0, math.floor((full - (start - now)) / interval), start - now, wait}
end
redis.call('SET', KEYS[1], string.format('%.0f', moment), 'PX', math.ceil((moment - now) / 1000))
return {1, math.floor(-wait / interval), moment - now, 0}
""")
_SECOND = 1_000_000


class RedisLimiter(Limiter):
    """Counts who passes for all replicas together, on one Redis or Valkey server.

    A component that yields `Limiter`. Reading, deciding and writing is one
    script in one round trip, and the clock is the server's: however many
    processes ask, never one more is let through. A server that loses its
    data begins with full buckets; one whose clock is set forward fills them.

    Args:
        redis: The server; manage it before.
        prefix: Put before every key.
        timeout: Seconds after which the server counts as away. After five such failures in a row it is asked
            once a second, and everybody else is told at once.

    Example:
        >>> async def main(redis: Redis) -> bool:
        ...     async with RedisLimiter(redis) as limiter:
        ...         return (await limiter.admit("ann", Rate(10, per=60))).allowed
    """

    port = Limiter

    def __init__(self, redis: Redis, *, prefix: str = "limit:", timeout: float = 0.25) -> None:
        self._redis = redis
        self._prefix = prefix
        self._timeout = timeout
        self._breaker = Breaker("limiter")  # tells nobody: who is limited tells what comes of it
        self._admitted = self._refused = self._failed = 0

    async def __aenter__(self) -> Self:
        """Return itself: the connection is the server's."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def admit(self, key: str, rate: Rate, *, cost: int = 1) -> Admission:
        """Let one pass, or tell when it may."""
        words = (rate.interval, rate.burst, cost)
        try:
            async with self._breaker:
                answer = await self._redis.run(_ADMIT, [self._prefix + key], words, timeout=self._timeout)
        except Unavailable:
            self._failed += 1
            raise
        allowed, remaining, reset, wait = cast("list[int]", answer)
        if allowed:
            self._admitted += 1
            return Admission(True, rate.burst, remaining, reset / _SECOND)
        self._refused += 1
        retry = inf if cost > rate.burst else wait / _SECOND
        return Admission(False, rate.burst, remaining, reset / _SECOND, retry)

    def statistics(self) -> RedisLimiterStatistics:
        """Return what this process was told."""
        return RedisLimiterStatistics(admitted=self._admitted, refused=self._refused, failed=self._failed)
