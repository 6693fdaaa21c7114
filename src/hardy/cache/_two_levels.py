"""Memory in front of a shared cache, kept true by news of changes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hardy.cache._cache import Cache, Entry
from hardy.cache._invalidations import Invalidations
from hardy.cache._memory import MemoryCache
from hardy.core import Notices, Unavailable
from hardy.lifecycle import Counts


@dataclass(frozen=True, slots=True)
class TwoLevelCacheStatistics:
    """Where reads ended, and what news did."""

    near: int
    """Found in this process."""
    far: int
    """Found in the shared cache."""
    missed: int
    invalidated: int
    """Keys that were heard to have changed."""
    cleared: int
    """Times that news may have been lost, so that everything near was dropped."""
    unsent: int
    """Times that others could not be told."""
    shared: object
    """What the shared cache counts."""


class _Read:
    """A read of the shared cache in flight, and what changed since it began."""

    __slots__ = ("all", "changed")

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.all = False

    def may_keep(self, key: str) -> bool:
        return not self.all and key not in self.changed


class TwoLevelCache:
    """Answers from this process what it has read from the shared cache of late.

    Whoever changes a key tells all replicas, which drop theirs. A replica that missed the news, because it could
    not be sent, serves the old value for *stay* seconds at most; one that knows that it may have missed some drops
    everything. A read that was under way when the news came is not kept.

    A component: it opens the shared cache, and listens for as long as it is open.

    Args:
        shared: For all replicas; an async context manager that yields it, as ``RedisCache`` is.
        invalidations: Carries the news.
        memory: Keeps what is near; its limits are the limits here.
        stay: Seconds that something is kept near before the shared cache is asked again.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryInvalidations
        >>> async def main():
        ...     async with TwoLevelCache(MemoryCache(), MemoryInvalidations()) as cache:
        ...         await cache.set_many({"a": b"1"}, 60)
        ...         for _ in range(3):
        ...             await cache.get_many(["a"])
        ...         return cache.statistics().near
        >>> asyncio.run(main())
        2
    """

    port = Cache

    def __init__(
        self,
        shared: AbstractAsyncContextManager[Cache],
        invalidations: Invalidations,
        *,
        memory: MemoryCache | None = None,
        stay: float = 10.0,
    ) -> None:
        self._opens = shared
        self._invalidations = invalidations
        self._memory = memory or MemoryCache()
        self._stay = stay
        self._stack = AsyncExitStack()
        self._reads: set[_Read] = set()
        self._near = self._far = self._missed = self._invalidated = self._cleared = self._unsent = 0

    @property
    def process_local(self) -> bool:
        """Whether replicas cannot share it: they can if they share what is behind, and hear of changes."""
        return any(getattr(part, "process_local", False) for part in (self._opens, self._invalidations))

    def wire(self, *, notices: Notices | None = None) -> None:
        """Hand on to the parts who is told what they notice; called by the app."""
        for part in (self._opens, self._invalidations):
            wire: object = getattr(part, "wire", None)
            if callable(wire):
                wire(notices=notices)

    async def __aenter__(self) -> Self:
        """Open the shared cache and begin to listen."""
        async with AsyncExitStack() as stack:
            self._shared = await stack.enter_async_context(self._opens)
            await stack.enter_async_context(self._invalidations.listen(self._heard))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop listening and close the shared cache."""
        await self._stack.__aexit__(kind, error, traceback)
        self._memory.clear()

    async def get_many(self, keys: Sequence[str], /) -> Sequence[Entry | None]:
        """Return what is held under each of *keys*."""
        found = [self._memory.look_up(key) for key in keys]
        missing = [place for place, entry in enumerate(found) if entry is None]
        self._near += len(keys) - len(missing)
        if not missing:
            return found
        read = _Read()
        self._reads.add(read)
        try:
            entries = await self._shared.get_many([keys[place] for place in missing])
        finally:
            self._reads.discard(read)
        for place, entry in zip(missing, entries, strict=True):
            if entry is None:
                self._missed += 1
                continue
            self._far += 1
            found[place] = entry
            if read.may_keep(keys[place]):
                self._memory.put(keys[place], entry, stay=self._stay)
        return found

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values* for all, and let replicas drop theirs."""
        try:
            await self._shared.set_many(values, ttl)
        finally:
            self._drop(list(values))
        await self._tell(list(values))

    async def replace(self, key: str, value: bytes, ttl: float, /, *, version: int | None) -> bool:
        """Hold *value* for all if nothing was written under *key* since it was read."""
        try:
            written = await self._shared.replace(key, value, ttl, version=version)
        finally:
            self._drop([key])
        if written and version is not None:
            await self._tell([key])
        return written

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """Hold nothing under *keys* any more, for nobody."""
        try:
            await self._shared.delete_many(keys)
        finally:
            self._drop(keys)
        await self._tell(keys)

    async def _tell(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        try:
            await self._invalidations.publish(keys)
        except Unavailable:  # what others keep near, they keep for a short while only
            self._unsent += 1

    def _heard(self, keys: Sequence[str] | None) -> None:
        if keys is not None:
            self._invalidated += len(keys)
            self._drop(keys)
            return
        self._cleared += 1
        self._memory.clear()
        for read in self._reads:
            read.all = True

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._memory.drop(key)
        for read in self._reads:
            read.changed.update(keys)

    def statistics(self) -> TwoLevelCacheStatistics:
        """Return where reads ended, and what news did."""
        return TwoLevelCacheStatistics(
            near=self._near,
            far=self._far,
            missed=self._missed,
            invalidated=self._invalidated,
            cleared=self._cleared,
            unsent=self._unsent,
            shared=self._opens.statistics() if isinstance(self._opens, Counts) else None,
        )
