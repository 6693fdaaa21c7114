"""The port `Cache` in one process."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hardy.cache._cache import Cache, Entry
from hardy.core import Clock, SystemClock

OVERHEAD = 200
"""Bytes that one entry costs beside its key and its value, about: two objects, a tuple, a place in a dictionary."""

Kept = tuple[bytes, float, int, float]
"""Value, expiry, version, and when it is dropped though it has not expired."""


@dataclass(frozen=True, slots=True)
class MemoryCacheStatistics:
    """What a memory cache holds and did."""

    entries: int
    bytes: int
    """Keys and values, with what each entry costs beside."""
    hits: int
    misses: int
    evicted: int
    """Dropped before their time because others needed the room; the one unused for longest goes first."""
    expired: int
    """Dropped when somebody asked for them after their time."""


class MemoryCache:
    """Keeps values in this process, as many as it may, those used last.

    A component, refused beside several replicas or workers in production unless it is the first level of a
    `TwoLevelCache`. The time is monotonic: setting the machine's clock changes nothing. An expired entry is
    dropped when it is asked for, or when it is the one unused for longest and others need the room.

    Args:
        entries: How many at most.
        size: Bytes that keys and values may take in all, with about 200 for each entry. A single value larger
            than that is not kept.
        clock: Tells when entries expire.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     cache = MemoryCache(entries=1)
        ...     await cache.set_many({"a": b"1"}, 60)
        ...     await cache.set_many({"b": b"2"}, 60)
        ...     return await cache.get_many(["a"]), cache.statistics().evicted
        >>> asyncio.run(main())
        ([None], 1)
    """

    process_local = True
    instead = "app.manage(RedisCache(redis)), from hardy.adapters.redis"
    worker_local = True
    port = Cache

    def __init__(self, *, entries: int = 10_000, size: int = 64 * 1024 * 1024, clock: Clock | None = None) -> None:
        self._limit = entries
        self._size_limit = size
        self._monotonic = (clock or SystemClock()).monotonic
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = self._version = 0
        self._hits = self._misses = self._evicted = self._expired = 0

    async def __aenter__(self) -> Self:
        """Return itself: nothing is to be opened."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Drop everything."""
        self.clear()

    async def get_many(self, keys: Sequence[str], /) -> Sequence[Entry | None]:
        """Return what is held under each of *keys*."""
        return [self.look_up(key) for key in keys]

    def look_up(self, key: str) -> Entry | None:
        """Return what is held under *key*, as `get_many` does, without waiting."""
        kept = self._kept.get(key)
        if kept is not None:
            now = self._monotonic()
            value, expiry, version, drop = kept
            if drop > now:
                self._hits += 1
                self._kept.move_to_end(key)
                return Entry(value, expiry - now, version)
            self._expired += 1
            self.drop(key)
        self._misses += 1
        return None

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values* for *ttl* seconds."""
        for key, value in values.items():
            self._version += 1
            self.put(key, Entry(value, ttl, self._version))

    async def replace(self, key: str, value: bytes, ttl: float, /, *, version: int | None) -> bool:
        """Hold *value* if nothing was written under *key* since it was read."""
        kept = self._kept.get(key)
        if kept is not None and kept[3] <= self._monotonic():
            kept = None
        if (None if kept is None else kept[2]) != version:
            return False
        self._version += 1
        self.put(key, Entry(value, ttl, self._version))
        return True

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """Hold nothing under *keys* any more."""
        for key in keys:
            self.drop(key)

    def put(self, key: str, entry: Entry, *, stay: float | None = None) -> None:
        """Hold *entry* as it is, with the version it has.

        Args:
            stay: Seconds after which it is dropped though it has not expired.
        """
        self.drop(key)
        cost = _cost(key, entry.value)
        if cost > self._size_limit:
            return
        now = self._monotonic()
        expiry = now + entry.ttl
        self._kept[key] = (entry.value, expiry, entry.version, expiry if stay is None else min(expiry, now + stay))
        self._bytes += cost
        while self._bytes > self._size_limit or len(self._kept) > self._limit:
            oldest, kept = self._kept.popitem(last=False)
            self._bytes -= _cost(oldest, kept[0])
            self._evicted += 1

    def drop(self, key: str) -> None:
        """Hold nothing under *key*."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= _cost(key, kept[0])

    def clear(self) -> None:
        """Hold nothing."""
        self._kept.clear()
        self._bytes = 0

    def statistics(self) -> MemoryCacheStatistics:
        """Return what is held and was done."""
        return MemoryCacheStatistics(
            entries=len(self._kept),
            bytes=self._bytes,
            hits=self._hits,
            misses=self._misses,
            evicted=self._evicted,
            expired=self._expired,
        )


def _cost(key: str, value: bytes) -> int:
    return OVERHEAD + len(key) + len(value)
