"""Values of one type in a cache: loaded once, refreshed early, forgotten by key or tag."""

import functools
import math
import random
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, NamedTuple, Optional, Self, TypeVar, cast

from hardy.cache._cache import Cache
from hardy.cache._envelope import Found, bounded, gone, seal, shape_of, unseal
from hardy.cache._epochs import Epochs
from hardy.cache._freshness import Freshness, fresh_for
from hardy.cache._load import Turns
from hardy.cache._lock import Lock
from hardy.cache._tags import KEPT, Stamps, Tags, stamps_of, tag_key
from hardy.concurrency import SingleFlight
from hardy.core import Clock, Code, Emit, Error, InvalidArgument, SystemClock, Unavailable
from hardy.schema import Codec, codec

T = TypeVar("T")

NOTHING = b"null"
"""How the codecs write ``None``."""
REST = 1.0
"""Seconds after a failed load in which nobody refreshes the key in the background."""
MOST_RESTING = 1_000
_UNWELL = frozenset({Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.UNKNOWN, Code.DATA_LOSS})


@dataclass(frozen=True, slots=True)
class KeyspaceStatistics:
    """What became of reads and loads."""

    hits: int
    """Reads that found a fresh value."""
    stale: int
    """Reads that were served an old value while it is refreshed."""
    misses: int
    """Reads that waited for a load."""
    loads: int
    """Loads begun, refreshes among them."""
    refreshes: int
    """Loads begun in the background, of values still fresh or served stale."""
    failed: int
    """Loads that failed."""
    stale_on_error: int
    """Reads that were served an old value because the load failed."""
    unstored: int
    """Loaded values that were not stored: the key changed meanwhile, or the store was not there."""
    unreadable: int
    """Values found that do not fit the type, which are loaded anew."""


class _Seen(NamedTuple):
    """What a look into the cache found."""

    found: Found | None
    version: int | None
    stamps: Stamps
    renew: bool
    """Whether the stamps want to be made or kept on."""

    def known(self) -> bool:
        return None not in self.stamps


class Keyspace(Generic[T]):
    """Keeps values of one type under keys of its own, and loads what is missing.

    One process loads a key once at a time, however many want it, and with a *lock* so do all of them together. A load
    belongs to nobody: it does not end with the call that began it, sees no call (`hardy.current_call` is ``None``
    in it), and may outlive the call's scope. Give it what lives as long as the app: a database that opens a
    transaction for it, never a session of the call. What fails is raised to all who wait, and not kept.

    Values travel as JSON by `hardy.schema.codec`, so whoever writes to the store can make no code run here. Each
    reader gets an object of its own. Keys carry the type's shape: a release that changes the type does not read
    what the old one wrote. A value that was loaded before its key was forgotten, in whatever process, is not stored.

    The cache is *eventually* true: what is not forgotten is served for as long as its `Freshness` says.

    A component: leaving it cancels the loads that run. Make one per app (a provider of scope ``"app"``).

    Args:
        cache: Where values are kept, with its failures made misses: what ``app.manage(RedisCache(...))`` provides.
        name: Of the keyspace, before every key; another for each keyspace of the cache.
        type_: Of the values.
        ttl: Seconds for which a value is fresh, or a `Freshness`.
        lock: Makes replicas load a key one at a time. It costs one more round trip per load.
        emit: Told of refreshes that fail while nobody waits for them.
        clock: Measures how long loads take.

    Raises:
        BuildFailed: Messages cannot have this type.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryCache
        >>> async def load() -> int:
        ...     print("asked the database")
        ...     return 12
        >>> async def main():
        ...     prices = Keyspace(MemoryCache(), "prices", int, ttl=60)
        ...     return [await prices.get_or_load("tea", load) for _ in range(3)]
        >>> asyncio.run(main())
        asked the database
        [12, 12, 12]
    """

    def __init__(
        self,
        cache: Cache,
        name: str,
        type_: type[T],
        *,
        ttl: float | Freshness,
        lock: Lock | None = None,
        emit: Emit = lambda notice: None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.freshness = fresh = fresh_for(ttl)
        self._cache = cache
        # What the reader waits for may be nothing, whatever the type says.
        self._codec = cast("Codec[T | None]", codec(cast("object", Optional[type_])))  # noqa: UP045  # `|` takes no names
        self._prefix = f"{name}:{shape_of(type_)}:"
        self._monotonic = (clock or SystemClock()).monotonic
        self._turns = None if lock is None else Turns(lock, patience=fresh.load_timeout, answer=fresh.lock_timeout)
        # With a lock there is a time to wait for other replicas and one to load.
        timeout = fresh.load_timeout * (1 if lock is None else 2)
        self._flights: SingleFlight[Hashable, bytes] = SingleFlight(timeout=timeout, emit=emit)
        self._tags = Tags(cache)
        self._epochs = Epochs()
        self._landings = 0
        self._resting: dict[str, float] = {}
        self._hits = self._stale = self._misses = self._loads = self._refreshes = 0
        self._failed = self._stale_on_error = self._unstored = self._unreadable = 0

    async def __aenter__(self) -> Self:
        """Let loads run in the context of whoever opens it."""
        await self._flights.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel the loads that run."""
        await self._flights.__aexit__(kind, error, traceback)

    async def get_or_load(self, key: str, load: Callable[[], Awaitable[T]], *, tags: Sequence[str] = ()) -> T:
        """Return the value under *key*, from *load* if there is none.

        Args:
            load: Makes the value; it must not return ``None`` (see `find_or_load`).
            tags: By which the value can be forgotten together with others: the same for every read of the key.

        Raises:
            DeadlineExceeded: The call's deadline has come, or the load took too long.
            Exception: What *load* raised.
        """
        return cast("T", await self._obtain(key, load, tags, nothing=False))

    async def find_or_load(
        self, key: str, load: Callable[[], Awaitable[T | None]], *, tags: Sequence[str] = ()
    ) -> T | None:
        """Return the value under *key*, from *load* if there is none; ``None`` where there is nothing.

        That there is nothing is kept as well, for as long as `Freshness.nothing` says.

        Raises:
            DeadlineExceeded: The call's deadline has come, or the load took too long.
            Exception: What *load* raised.
        """
        return await self._obtain(key, load, tags, nothing=True)

    async def set(self, key: str, value: T, *, tags: Sequence[str] = ()) -> None:
        """Keep *value* under *key*, whatever is there. Call it after the change is committed."""
        stamps = await self._tags.stamp(tuple(tags)) if tags else ()
        if None in stamps:
            await self.forget(key)
            return
        data = seal(
            self._codec.encode(value), cost=0.0, grace=self.freshness.grace, stamps=cast("tuple[bytes]", stamps)
        )
        await self._cache.set_many({self._key(key): data}, self._drawn(self.freshness.ttl) + self.freshness.grace)

    async def forget(self, *keys: str) -> None:
        """Keep nothing under *keys*: who reads from now on gets what is loaded from now on.

        Call it after the change is committed. It is heard by every process that shares the store.
        """
        # A load may be under way anywhere: what it finds must meet this mark, and not an empty place.
        marks = {self._key(key): gone() for key in keys}
        try:
            await self._cache.set_many(marks, 2 * self.freshness.load_timeout + 30)
        finally:
            self._epochs.forget(list(marks))

    async def forget_tags(self, *tags: str) -> None:
        """Forget every value with one of *tags*, in all keyspaces of the cache."""
        try:
            await self._tags.forget(tags)
        finally:
            self._epochs.forget([tag_key(tag) for tag in tags])

    def _key(self, key: str) -> str:
        return self._prefix + bounded(key)

    async def _obtain(
        self, key: str, load: Callable[[], Awaitable[T | None]], tags: Sequence[str], *, nothing: bool
    ) -> T | None:
        full, landings = self._key(key), self._landings
        seen = await self._look(full, tags)
        found, value = seen.found, None
        if found is not None:
            usable, value = self._open(found, nothing=nothing)
            if not usable:
                found = None
            elif found.fresh > 0:
                self._hits += 1
                if self.freshness.early and self._is_due(found):
                    self._refresh(full, load, tags, seen)
                return value
            elif found.fresh > -self.freshness.stale:
                self._stale += 1
                self._refresh(full, load, tags, seen)
                return value
        self._misses += 1
        if not seen.known():
            seen = seen._replace(stamps=await self._tags.stamp(tuple(tags)), renew=False)
        names = (full, *map(tag_key, tags))
        try:
            with self._epochs.hold(names):
                payload = await self._flights.run(
                    self._flight(names, seen),
                    lambda: self._fill(full, load, tags, seen, landings=landings, nothing=nothing),
                )
        except Exception as error:
            if found is not None and found.fresh > -self.freshness.stale_on_error and not _is_answer(error):
                self._stale_on_error += 1
                return value
            raise
        return self._codec.decode(payload)

    def _flight(self, names: tuple[str, ...], seen: _Seen) -> Hashable:
        """Loads of one state of a key are one: after it was forgotten, nobody gets what an earlier load finds."""
        return (names, seen.version, seen.stamps, self._epochs.of(names))

    async def _look(self, full: str, tags: Sequence[str]) -> _Seen:
        if not tags:
            entry = (await self._cache.get_many((full,)))[0]
            return _Seen(unseal(entry, ()), None if entry is None else entry.version, (), renew=False)
        entry, *marks = await self._cache.get_many((full, *map(tag_key, tags)))
        stamps = stamps_of(marks)
        renew = any(mark is None or mark.ttl < KEPT / 2 for mark in marks)
        return _Seen(unseal(entry, stamps), None if entry is None else entry.version, stamps, renew)

    def _open(self, found: Found, *, nothing: bool) -> tuple[bool, T | None]:
        """Return whether the value can be used, and the value."""
        if found.payload == NOTHING and not nothing:
            return False, None
        try:
            return True, self._codec.decode(found.payload)
        except InvalidArgument:
            self._unreadable += 1
            return False, None

    def _is_due(self, found: Found) -> bool:
        """Whether to refresh early: the likelier, the nearer the end and the dearer the load.

        XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
        """
        return -found.cost * self.freshness.early * math.log(1 - random.random()) >= found.fresh

    def _refresh(self, full: str, load: Callable[[], Awaitable[T | None]], tags: Sequence[str], seen: _Seen) -> None:
        if self._resting and self._resting.get(full, -math.inf) > self._monotonic():
            return
        fill = functools.partial(self._fill, full, load, tags, seen, landings=self._landings, nothing=True)
        try:
            if self._flights.start(self._flight((full, *map(tag_key, tags)), seen), fill):
                self._refreshes += 1
        except Unavailable:
            return  # it is being closed, and what was found is good

    async def _fill(
        self,
        full: str,
        load: Callable[[], Awaitable[T | None]],
        tags: Sequence[str],
        seen: _Seen,
        *,
        landings: int,
        nothing: bool,
    ) -> bytes:
        """Load the value, unless it turns out that somebody has since one looked."""
        last = seen

        async def look() -> bytes | None:
            nonlocal last
            last = await self._look(full, tags)
            found = last.found
            if found is None or found.fresh <= 0 or last.version == seen.version:
                return None
            return found.payload if self._open(found, nothing=nothing)[0] else None

        async def run() -> bytes:
            return await self._load(full, load, last)

        names = (full, *map(tag_key, tags))
        try:
            with self._epochs.hold(names):
                if seen.renew:
                    last = last._replace(stamps=await self._tags.stamp(tuple(tags)))
                if self._landings != landings and (payload := await look()) is not None:
                    return payload
                if self._turns is None:
                    return await run()
                return await self._turns.load(full, look, run)
        finally:
            self._landings += 1

    async def _load(self, full: str, load: Callable[[], Awaitable[T | None]], seen: _Seen) -> bytes:
        self._loads += 1
        began = self._monotonic()
        try:
            value = await load()
        except Exception:
            self._failed += 1
            if len(self._resting) >= MOST_RESTING:
                self._resting.clear()
            self._resting[full] = self._monotonic() + REST
            raise
        self._resting.pop(full, None)
        cost = self._monotonic() - began
        payload = self._codec.encode(value)
        fresh, grace = self.freshness.ttl, self.freshness.grace
        if value is None:
            if self.freshness.nothing is None:
                return payload
            fresh, grace = self.freshness.nothing, 0.0
        if None in seen.stamps:
            self._unstored += 1
            return payload
        data = seal(payload, cost=cost, grace=grace, stamps=cast("tuple[bytes]", seen.stamps))
        if not await self._cache.replace(full, data, self._drawn(fresh) + grace, version=seen.version):
            self._unstored += 1
        return payload

    def _drawn(self, ttl: float) -> float:
        return ttl * (1 + self.freshness.jitter * random.uniform(-1, 1))

    def statistics(self) -> KeyspaceStatistics:
        """Return what became of reads and loads."""
        return KeyspaceStatistics(
            hits=self._hits,
            stale=self._stale,
            misses=self._misses,
            loads=self._loads,
            refreshes=self._refreshes,
            failed=self._failed,
            stale_on_error=self._stale_on_error,
            unstored=self._unstored,
            unreadable=self._unreadable,
        )


def _is_answer(error: Exception) -> bool:
    """Whether *error* is what the source has to say, and not its failure to say anything."""
    return isinstance(error, Error) and error.code not in _UNWELL
