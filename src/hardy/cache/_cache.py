"""The port `Cache`: bytes under keys, for a while."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """What a cache holds under one key.

    Example:
        >>> Entry(b"tea", ttl=60.0, version=7).value
        b'tea'
    """

    value: bytes
    ttl: float
    """Seconds until the store drops it, told by the store's own clock: machines need not agree on the time."""
    version: int
    """Another number after every write of the key; what `Cache.replace` compares."""


class Cache(Protocol):
    """A store of bytes that may forget anything at any time, but never brings back what was overwritten.

    The port that adapters fulfil: `MemoryCache` in this process, ``RedisCache`` for all replicas. It is as
    small as it can be; types, loading, tags and early refresh are a `Keyspace`'s business and alike over
    every adapter. Use cases and repositories take a `Keyspace`, seldom this.

    Keys are any text; the adapter puts a prefix of its own before them where the store is shared with others.
    A *ttl* is a finite number of seconds above zero, precise to a millisecond. Every method may be called by
    many tasks at once. Cancelling a caller leaves the adapter usable, and the write done or not done.

    Every method raises `hardy.core.Unavailable` when the store cannot be reached or does not answer in the time
    the adapter allows it. `GuardedCache` turns that into misses.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryCache
        >>> async def main():
        ...     cache: Cache = MemoryCache()
        ...     await cache.set_many({"a": b"1"}, 60)
        ...     return [entry and entry.value for entry in await cache.get_many(["a", "b"])]
        >>> asyncio.run(main())
        [b'1', None]
    """

    async def get_many(self, keys: Sequence[str], /) -> Sequence[Entry | None]:
        """Return what is held under each of *keys*, in their order; ``None`` where nothing is.

        One round trip, however many there are. An adapter for a shared store sends what is asked within one
        turn of the event loop together.
        """
        ...

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values* for *ttl* seconds, whatever was held before."""
        ...

    async def replace(self, key: str, value: bytes, ttl: float, /, *, version: int | None) -> bool:
        """Hold *value* if nothing was written under *key* since it was read; return whether it was.

        Atomic over all who share the store. It is what keeps a value that was loaded before a change from
        overwriting the news of the change (Nishtala et al., "Scaling Memcache at Facebook", 2013: leases).

        Args:
            version: Of the `Entry` that was read; ``None`` when there was none, and there must be none now.
        """
        ...

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """Hold nothing under *keys* any more."""
        ...
