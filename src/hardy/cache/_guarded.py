"""A shared cache whose failures are misses, and never somebody's outage."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from hardy.cache._budget import Budget
from hardy.cache._cache import Cache, Entry
from hardy.core import Unavailable

T = TypeVar("T")

MOST_OWED = 10_000
"""Keys that are remembered to be deleted once the store is back."""
AT_ONCE = 500
"""Of these, how many are deleted before one read."""


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
    """Keys that are still to be deleted; nobody gets them from this process until they are."""


class GuardedCache:
    """Makes of a cache that may be down or slow one that merely misses.

    A read that fails, or takes longer than its *budget*, finds nothing, and a conditional write that fails writes
    nothing. While the *breaker* is open the store is not asked at all. What was to be deleted or overwritten
    and could not be is remembered: this process answers it as missing and deletes it as soon as the store is
    back, so that old values do not come back with it. Other processes may see those until then, for as long as
    their time to live at most.

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
        self._owed: dict[str, None] = {}
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
            if self._owed:
                await self._pay()
            return await self._cache.get_many(keys)

    async def _pay(self) -> None:
        some = [key for key, _ in zip(self._owed, range(AT_ONCE), strict=False)]
        await self._cache.delete_many(some)
        for key in some:
            self._owed.pop(key, None)

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values*; where the store is not there, what it holds in their place is deleted later.

        Raises:
            Unavailable: So much is to be deleted later that nothing more can be remembered.
        """
        try:
            await self._bounded(partial(self._cache.set_many, values, ttl))
        except (Unavailable, OSError):
            self._owe(list(values))
        else:
            self._settle(values)

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
            Unavailable: So much is to be deleted later that nothing more can be remembered.
        """
        try:
            await self._bounded(partial(self._cache.delete_many, keys))
        except (Unavailable, OSError):
            self._owe(keys)
        else:
            self._settle(keys)

    def _owe(self, keys: Sequence[str]) -> None:
        self._failed += 1
        if len(self._owed) + len(keys) > MOST_OWED:
            raise Unavailable("the cache does not answer, and too much is to be deleted from it already", retry_after=1)
        self._owed.update(dict.fromkeys(keys))

    def _settle(self, keys: "Sequence[str] | Mapping[str, bytes]") -> None:
        for key in keys if self._owed else ():
            self._owed.pop(key, None)

    async def _bounded(self, operation: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            with Budget(self._budget):
                return await operation()

        return await self._breaker.call(run)

    def statistics(self) -> GuardedCacheStatistics:
        """Return how often the store was not there."""
        return GuardedCacheStatistics(failed=self._failed, owed=len(self._owed))
