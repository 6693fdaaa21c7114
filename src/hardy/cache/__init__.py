"""What replicas and tasks share for a while: values that are dear to make, and the right to go first.

Floor 2. The ports `Cache` and `Lock` with their adapters for one process; those for all replicas live in
``hardy.adapters``.

Example:
    >>> import asyncio
    >>> async def main():
    ...     async with MemoryCache() as cache:
    ...         await cache.set_many({"sku": b"tea"}, 60)
    ...         return (await cache.get_many(["sku"]))[0].value
    >>> asyncio.run(main())
    b'tea'
"""

from hardy.cache._cache import Cache, Entry
from hardy.cache._guarded import GuardedCache, GuardedCacheStatistics
from hardy.cache._hold import Held, Hold, LockLost, LockTaken
from hardy.cache._invalidations import Heard, Invalidations, MemoryInvalidations
from hardy.cache._lock import Lock
from hardy.cache._memory import MemoryCache, MemoryCacheStatistics
from hardy.cache._memory_lock import LockStatistics, MemoryLock
from hardy.cache._two_levels import TwoLevelCache, TwoLevelCacheStatistics
from hardy.core import publish

__all__ = [
    "Cache",
    "Entry",
    "GuardedCache",
    "GuardedCacheStatistics",
    "Heard",
    "Held",
    "Hold",
    "Invalidations",
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
]

publish(__name__, globals())
