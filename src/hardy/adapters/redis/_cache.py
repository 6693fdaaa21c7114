"""The port `Cache` on a server that all replicas share."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from random import getrandbits
from types import TracebackType
from typing import cast

from hardy.adapters.redis._hiredis import Word
from hardy.adapters.redis._redis import Redis
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._wait import Wait
from hardy.cache import Cache, Entry, GuardedCache
from hardy.core import Emit, Notice, Notices
from hardy.resilience import Breaker, BreakerState

_VERSION = struct.Struct(">Q")
_REPLACE = Script("""
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
""")


@dataclass(frozen=True, slots=True)
class RedisCacheStatistics:
    """How often the cache was not there, and whether it is asked now."""

    failed: int
    """Operations that failed, took too long, or were refused while the server was known not to answer."""
    owed: int
    """Keys that are to be deleted once the server is back."""
    breaker: BreakerState


class RedisCache(Cache):
    """What is cached, held by Redis or Valkey for all replicas.

    A component. What it yields as `Cache` is guarded: where the server is down or
    slow it merely misses, for at most *budget* seconds each, and after some
    failures in a row without asking (`hardy.cache.GuardedCache`). The methods of this class
    itself raise `Unavailable`.

    Every value has eight bytes before it, its version: drawn at random for each
    write, so that no counter has to be kept, and none can start again when the
    server has lost its data. What one turn of the event loop asks for travels
    together, and `get_many` is one round trip for any number of keys.

    Args:
        redis: The server; manage it before.
        prefix: Put before every key, where the server is shared with others: ``"orders:"``.
        budget: Seconds that one operation of what is yielded may take.
        breaker: Keeps a server that does not answer from being asked; ``Breaker("cache")`` if none is given.
        timeout: Seconds after which the server counts as away, for the methods of this class.

    Example:
        >>> async def main(redis: Redis) -> object:
        ...     async with RedisCache(redis, prefix="orders:") as cache:
        ...         await cache.set_many({"tea": b"green"}, 60)
        ...         return await cache.get_many(["tea"])
    """

    port = Cache

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str = "",
        budget: float = 0.02,
        breaker: Breaker | None = None,
        timeout: float = 0.25,
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._timeout = timeout
        self._budget = budget
        self._emit: Emit = _unheard
        self._breaker = breaker or Breaker("cache", emit=lambda notice: self._emit(notice))
        self._guarded = GuardedCache(self, self._breaker, budget=budget)

    def wire(self, *, notices: Notices | None = None) -> None:
        """Tell *notices* what the breaker does; called by the app."""
        if notices is not None:
            self._emit = notices

    async def __aenter__(self) -> Cache:
        """Return the cache whose failures are misses; the connection is the server's."""
        return self._guarded

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close nothing."""

    def statistics(self) -> RedisCacheStatistics:
        """Return how often the cache was not there."""
        guarded = self._guarded.statistics()
        return RedisCacheStatistics(failed=guarded.failed, owed=guarded.owed, breaker=self._breaker.state)

    async def get_many(self, keys: Sequence[str], /) -> Sequence[Entry | None]:
        """Return what is held under each of *keys*."""
        names = [self._prefix + key for key in keys]
        if not names:
            return []
        commands: list[Sequence[Word]] = [("GET", names[0]) if len(names) == 1 else ("MGET", *names)]
        commands += [("PTTL", name) for name in names]
        values, *lives = await self._redis.execute_many(commands, timeout=self._timeout)
        found = [values] if len(names) == 1 else cast("list[object]", values)
        return [_entry(value, life) for value, life in zip(found, lives, strict=True)]

    async def set_many(self, values: Mapping[str, bytes], ttl: float, /) -> None:
        """Hold *values* for *ttl* seconds."""
        life = _milliseconds(ttl)
        commands = [("SET", self._prefix + key, _stamped(value), "PX", life) for key, value in values.items()]
        await self._redis.execute_many(commands, timeout=self._timeout)

    async def replace(self, key: str, value: bytes, ttl: float, /, *, version: int | None) -> bool:
        """Hold *value* if nothing was written under *key* since it was read."""
        name, life, stamped = self._prefix + key, _milliseconds(ttl), _stamped(value)
        if version is None:
            return await self._redis.execute("SET", name, stamped, "NX", "PX", life, timeout=self._timeout) is not None
        words = (_VERSION.pack(version), stamped, life)
        return await self._redis.run(_REPLACE, [name], words, timeout=self._timeout) == 1

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """Hold nothing under *keys* any more."""
        if keys:
            words = ("UNLINK", *(self._prefix + key for key in keys))
            await self._redis._ask(words, Wait(self._timeout, past_deadline=True))  # or what is stale would stay


def _entry(value: object, life: object) -> Entry | None:
    # No life left: it ended between the two commands, or somebody else's value lies there.
    if not isinstance(value, bytes) or len(value) < _VERSION.size or not isinstance(life, int) or life <= 0:
        return None
    return Entry(value[_VERSION.size :], life / 1000, _VERSION.unpack_from(value)[0])


def _stamped(value: bytes) -> bytes:
    return _VERSION.pack(getrandbits(63)) + value


def _milliseconds(ttl: float) -> int:
    return max(1, ceil(ttl * 1000))


def _unheard(notice: Notice) -> None:
    """Nobody listens."""
