"""Every adapter of the ports `Cache` and `Lock`; each test of these contracts runs over all of them.

An adapter joins by one line in `CACHES` or `LOCKS`: a word, and a function that takes pytest's ``request``
(`request.getfixturevalue("valkey_url")` where it needs a server) and returns an async context manager that
yields the opened adapter.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from hardy.adapters.redis import Redis, RedisCache, RedisLock, RedisSettings
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.lock import PostgresLock
from hardy.cache import Cache, GuardedCache, Lock, MemoryCache, MemoryInvalidations, MemoryLock, TwoLevelCache
from hardy.resilience import Breaker

MakeCache = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Cache]]
MakeLock = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Lock]]


@asynccontextmanager
async def memory_cache(request):
    async with MemoryCache() as cache:
        yield cache


@asynccontextmanager
async def guarded_cache(request):
    async with MemoryCache() as cache:
        yield GuardedCache(cache, Breaker("cache"), budget=10)


@asynccontextmanager
async def two_level_cache(request):
    async with TwoLevelCache(MemoryCache(), MemoryInvalidations()) as cache:
        yield cache


@asynccontextmanager
async def memory_lock(request):
    async with MemoryLock() as lock:
        yield lock


@asynccontextmanager
async def redis_cache(request):
    settings = RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10)
    async with Redis(settings) as redis:
        yield RedisCache(redis, prefix="orders:", timeout=10)


@asynccontextmanager
async def redis_guarded_cache(request):
    settings = RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10)
    async with Redis(settings) as redis, RedisCache(redis, prefix="orders:", timeout=10, budget=10) as cache:
        yield cache


@asynccontextmanager
async def redis_lock(request):
    settings = RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10)
    async with Redis(settings) as redis, RedisLock(redis) as lock:
        yield lock


@asynccontextmanager
async def postgres_lock(request):
    settings = DatabaseSettings(url=request.getfixturevalue("postgres_url"), acquire_timeout=20)
    steps = "\n;".join(step.postgresql for step in PostgresLock.schema_steps)
    async with Database(settings, schema=steps), PostgresLock(settings) as lock:
        yield lock


CACHES: dict[str, MakeCache] = {
    "memory": memory_cache,
    "guarded": guarded_cache,
    "two levels": two_level_cache,
    "redis": redis_cache,
    "redis, guarded": redis_guarded_cache,
}
LOCKS: dict[str, MakeLock] = {"memory": memory_lock, "redis": redis_lock, "postgres": postgres_lock}


def pytest_generate_tests(metafunc):
    if "cache" in metafunc.fixturenames:
        metafunc.parametrize("make_cache", CACHES.values(), ids=CACHES)
    if "lock" in metafunc.fixturenames:
        metafunc.parametrize("make_lock", LOCKS.values(), ids=LOCKS)


@pytest.fixture
async def cache(make_cache, request):
    """An opened, empty adapter of the port `Cache`."""
    async with make_cache(request) as cache:
        yield cache


@pytest.fixture
async def lock(make_lock, request):
    """An opened adapter of the port `Lock`, with nothing held."""
    async with make_lock(request) as lock:
        yield lock
