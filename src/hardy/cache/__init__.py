"""What replicas and tasks share for a while: values that are dear to make, and the right to go first.

Floor 2. The ports `Cache` and `Lock` with their adapters for one process; those for all replicas live in
``hardy.adapters``. `Keyspace` and `cached` keep typed values in any of them.

Example:
    >>> import asyncio
    >>> async def price(sku: str) -> int:
    ...     print("asked the database")
    ...     return 12
    >>> async def main():
    ...     async with MemoryCache() as cache:
    ...         kept = cached(cache, ttl=60)(price)
    ...         return await kept("tea") + await kept("tea")
    >>> asyncio.run(main())
    asked the database
    24
"""

from hardy.cache._cache import Cache, Entry
from hardy.cache._cached import Cached, cached
from hardy.cache._freshness import Freshness
from hardy.cache._guarded import Guard, GuardedCache, GuardedCacheStatistics
from hardy.cache._hold import Held, Hold, LockLost, LockTaken
from hardy.cache._invalidations import Heard, Invalidations, MemoryInvalidations
from hardy.cache._keyspace import Keyspace, KeyspaceStatistics
from hardy.cache._leader import Leader, LeadershipGained, LeadershipLost, LeaderStatistics, leader
from hardy.cache._lock import Lock
from hardy.cache._memory import MemoryCache, MemoryCacheStatistics
from hardy.cache._memory_lock import LockStatistics, MemoryLock
from hardy.cache._two_levels import TwoLevelCache, TwoLevelCacheStatistics
from hardy.core import publish

__all__ = [
    "Cache",
    "Cached",
    "Entry",
    "Freshness",
    "Guard",
    "GuardedCache",
    "GuardedCacheStatistics",
    "Heard",
    "Held",
    "Hold",
    "Invalidations",
    "Keyspace",
    "KeyspaceStatistics",
    "Leader",
    "LeaderStatistics",
    "LeadershipGained",
    "LeadershipLost",
    "Lock",
    "LockLost",
    "LockStatistics",
    "LockTaken",
    "MemoryCache",
    "MemoryCacheStatistics",
    "MemoryInvalidations",
    "MemoryLock",
    "TwoLevelCache",
    "TwoLevelCacheStatistics",
    "cached",
    "leader",
]

publish(__name__, globals())
