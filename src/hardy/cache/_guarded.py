"""A shared cache whose failures are misses, and never somebody's outage."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from hardy.cache._budget import Budget
from hardy.cache._cache import Cache, Entry
from hardy.core import Unavailable

T = TypeVar("T")

MOST_OWED = 10_000
"""Keys that are remembered to be emptied once the store is back."""
AT_ONCE = 500
"""Of these, how many are emptied before one read."""
EMPTY = b""
"""Written over what may be wrong. Not a deletion: who looked before finds another version, and stores nothing."""
EMPTY_FOR = 300.0
"""Seconds that it stays: longer than whoever looked before takes to store something."""


class Guard(Protocol):
    """Stands before a store: lets a function be called, or refuses it with `hardy.core.Unavailable`.

    `hardy.resilience.Breaker` is one.

    Example:
        >>> from hardy.resilience import Breaker
        >>> guard: Guard = Breaker("cache")
    """

    async def call(self, function: Callable[[], Awaitable[T]], /) -> T:
        """Return what *function* returns; it counts what is raised."""
        ...


@dataclass(frozen=True, slots=True)
class GuardedCacheStatistics:
    """How often the store was not there."""

    failed: int
    """Operations that failed, took too long, or were refused while the store was known not to answer."""
    owed: int
    """Keys that are still to be emptied; nobody gets them from this process until they are."""


class GuardedCache:
    """Makes of a cache that may be down or slow one that merely misses.

    A read that fails, or takes longer than its *budget*, finds nothing, and a conditional write that fails writes
    nothing. While the *breaker* is open the store is not asked at all. What was to be deleted or overwritten
    and could not be is remembered: this process answers it as missing, and empties it as soon as the store is
    back, so that old values do not come back with it. An emptied key holds an empty value for some minutes, which
    a `Keyspace` takes for none. Other processes may see the old one until then, for as long as its time to live.

    Args:
        breaker: Asked before each operation, and told how it ended.
        budget: Seconds that one operation may take.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryCache
        >>> from hardy.resilience import Breaker
        >>> class Down(MemoryCache):
        ...     async def get_many(self, keys, /):
        ...         raise Unavailable("connection refused")
        >>> asyncio.run(GuardedCache(Down(), Breaker("cache")).get_many(["a"]))
        [None]
    """

    def __init__(self, cache: Cache, breaker: Guard, *, budget: float = 0.02) -> None:
        self._cache = cache
        self._breaker = breaker
        self._budget = budget
        self._owed: dict[str, int] = {}
        self._debts = 0
        self._failed = 0

    async def get_many(self, keys: Sequence[str], /) -> Sequence[Entry | None]:
        """Return what is held under each of *keys*; nothing where the store is not there in time."""
        try:
            found = await self._breaker.call(partial(self._read, keys))
        except (Unavailable, OSError):
            self._failed += 1
            return [None] * len(keys)
        if self._owed:
            return [None if key in self._owed else entry for key, entry in zip(keys, found, strict=True)]
        return found

    async def _read(self, keys: Sequence[str]) -> Sequence[Entry | None]:
        with Budget(self._budget):
            if not self._owed:
                return await self._cache.get_many(keys)
            await self._pay()
            # Somebody else may pay for these before the answer comes, which may be from before.
            owed = self._owed.keys() & keys
            found = await self._cache.get_many(keys)
            return [None if key in owed else entry for key, entry in zip(keys, found, strict=True)]

    async def _pay(self) -> None:
        debts = dict(islice(self._owed.items(), AT_ONCE))
        await self._cache.set_many(dict.fromkeys(debts, EMPTY), EMPTY_FOR)
        for key, debt in debts.items():
            if self._owed.get(key) == debt:  # and not owed anew meanwhile
                del self._owed[key]

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values*; where the store is not there, what it holds in their place is emptied later.

        Raises:
            Unavailable: So much is to be emptied later that nothing more can be remembered.
        """
        debts = self._debts
        try:
            await self._bounded(partial(self._cache.set_many, values, ttl))
        except (Unavailable, OSError):
            self._owe(list(values))
        else:
            self._settle(values, debts)

    async def replace(self, key: str, value: bytes, ttl: float, /, *, version: int | None) -> bool:
        """Hold *value* if nothing was written under *key* since it was read and the store is there."""
        if key in self._owed:
            return False
        try:
            return await self._bounded(partial(self._cache.replace, key, value, ttl, version=version))
        except (Unavailable, OSError):
            self._failed += 1
            return False

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """Hold nothing under *keys*; where the store is not there, later.

        Raises:
            Unavailable: So much is to be emptied later that nothing more can be remembered.
        """
        debts = self._debts
        try:
            await self._bounded(partial(self._cache.delete_many, keys))
        except (Unavailable, OSError):
            self._owe(keys)
        else:
            self._settle(keys, debts)

    def _owe(self, keys: Sequence[str]) -> None:
        self._failed += 1
        if len(self._owed) + len(keys) > MOST_OWED:
            raise Unavailable("the cache does not answer, and too much is to be emptied already", retry_after=1)
        self._debts += 1
        self._owed.update(dict.fromkeys(keys, self._debts))

    def _settle(self, keys: "Sequence[str] | Mapping[str, bytes]", debts: int) -> None:
        """Forget what was owed for *keys* before they were written, and not since."""
        for key in keys if self._owed else ():
            if self._owed.get(key, debts + 1) <= debts:
                del self._owed[key]

    async def _bounded(self, operation: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            with Budget(self._budget):
                return await operation()

        return await self._breaker.call(run)

    def statistics(self) -> GuardedCacheStatistics:
        """Return how often the store was not there."""
        return GuardedCacheStatistics(failed=self._failed, owed=len(self._owed))
