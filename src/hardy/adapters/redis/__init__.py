"""Redis and Valkey: what replicas share, over one connection that all callers share.

Floor 3, extra ``redis`` (hiredis). `Redis` sends commands; `RedisCache`,
`RedisLock`, `RedisLimiter` and `RedisIdempotency` fulfil the ports of
``hardy.cache`` and ``hardy.resilience`` on it. One server, or whatever stands
for one: no cluster of shards.

Example:
    >>> import asyncio
    >>> async def main() -> None:
    ...     async with Redis(RedisSettings(url="redis://127.0.0.1:1")) as redis, RedisCache(redis) as cache:
    ...         print(await cache.get_many(["tea"]))
    >>> asyncio.run(main())  # where no server is, a cache misses
    [None]
"""

from hardy.adapters.redis._cache import RedisCache, RedisCacheStatistics
from hardy.adapters.redis._channels import Subscription
from hardy.adapters.redis._errors import RedisError
from hardy.adapters.redis._idempotency import RedisIdempotency
from hardy.adapters.redis._invalidations import RedisInvalidations
from hardy.adapters.redis._limiter import RedisLimiter
from hardy.adapters.redis._lock import RedisLock
from hardy.adapters.redis._notices import RedisConnected, RedisLost
from hardy.adapters.redis._redis import Redis
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._settings import RedisSettings
from hardy.adapters.redis._statistics import RedisIdempotencyStatistics, RedisLimiterStatistics, RedisStatistics
from hardy.core._module import publish

__all__ = [
    "Redis",
    "RedisCache",
    "RedisCacheStatistics",
    "RedisConnected",
    "RedisError",
    "RedisIdempotency",
    "RedisIdempotencyStatistics",
    "RedisInvalidations",
    "RedisLimiter",
    "RedisLimiterStatistics",
    "RedisLock",
    "RedisLost",
    "RedisSettings",
    "RedisStatistics",
    "Script",
    "Subscription",
]

publish(__name__, globals())
