"""A shared cache that is down, slow or resets is a cache that misses, and comes back without old values."""

import asyncio
import random

import pytest

from hardy.cache import Freshness, GuardedCache, Keyspace, MemoryCache
from hardy.core import Unavailable
from hardy.resilience import Breaker, consecutive_failures


class Store(MemoryCache):
    """A store that fails in the way it is told to."""

    def __init__(self, **options):
        super().__init__(**options)
        self.trouble = None
        self.asked = 0

    async def suffer(self):
        self.asked += 1
        if self.trouble == "slow":
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble

    async def get_many(self, keys, /):
        await self.suffer()
        return await super().get_many(keys)

    async def set_many(self, values, ttl, /):
        await self.suffer()
        await super().set_many(values, ttl)

    async def replace(self, key, value, ttl, /, *, version):
        await self.suffer()
        return await super().replace(key, value, ttl, version=version)

    async def delete_many(self, keys, /):
        await self.suffer()
        await super().delete_many(keys)


@pytest.fixture
def store(clock):
    return Store(clock=clock)


@pytest.fixture
def breaker(clock):
    return Breaker("cache", trip=consecutive_failures(3), open_for=1, clock=clock)


@pytest.fixture
def cache(store, breaker):
    return GuardedCache(store, breaker)


TROUBLES = [Unavailable("down"), ConnectionResetError(), TimeoutError(), "slow"]
trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t if isinstance(t, str) else type(t).__name__)


@trouble
async def test_reads_find_nothing_and_writes_write_nothing(cache, store, trouble):
    await cache.set_many({"a": b"1"}, 60)
    store.trouble = trouble
    assert await cache.get_many(["a", "b"]) == [None, None]
    assert await cache.replace("a", b"2", 60, version=1) is False
    assert cache.statistics().failed == 2


@trouble
async def test_the_store_is_left_alone_for_a_while_and_then_tried(cache, store, breaker, clock, trouble):
    await cache.set_many({"a": b"1"}, 60)
    store.trouble = trouble
    for _ in range(10):
        await cache.get_many(["a"])
    assert store.asked == 1 + 3
    assert breaker.state == "open"
    store.trouble = None
    clock.advance(1)
    assert (await cache.get_many(["a"]))[0].value == b"1"
    assert breaker.state == "closed"


@trouble
async def test_cached_reads_go_on(cache, store, clock, source, trouble):
    prices = Keyspace(cache, "prices", int, ttl=Freshness(ttl=60, jitter=0, early=0), clock=clock)
    assert await prices.get_or_load("tea", source, tags=["shop"]) == 1
    store.trouble = trouble
    source.value = 2
    assert [await prices.get_or_load("tea", source, tags=["shop"]) for _ in range(20)] == [2] * 20
    store.trouble = None
    clock.advance(1)
    assert await prices.get_or_load("tea", source, tags=["shop"]) == 1  # as it was kept, for it was not forgotten


@trouble
async def test_what_was_forgotten_meanwhile_does_not_come_back(cache, store, clock, source, trouble):
    prices = Keyspace(cache, "prices", int, ttl=60, clock=clock)
    await prices.get_or_load("tea", source)
    await prices.get_or_load("oil", source, tags=["shop"])
    store.trouble = trouble
    await prices.forget("tea")
    await prices.forget_tags("shop")
    assert cache.statistics().owed == 2
    store.trouble = None
    clock.advance(1)
    source.value = 2
    assert await prices.get_or_load("tea", source) == 2
    assert await prices.get_or_load("oil", source, tags=["shop"]) == 2
    assert cache.statistics().owed == 0
    assert await prices.get_or_load("tea", source) == 2
    assert source.loads == 4


async def test_what_is_owed_is_bounded(cache, store):
    store.trouble = Unavailable("down")
    await cache.delete_many([f"k{n}" for n in range(10_000)])
    with pytest.raises(Unavailable, match="too much"):
        await cache.delete_many(["one more"])
    store.trouble = None


async def test_what_is_owed_is_paid_in_parts(cache, store, clock):
    keys = [f"k{n}" for n in range(1_200)]
    await store.set_many(dict.fromkeys(keys, b"old"), 60)
    store.trouble = Unavailable("down")
    await cache.delete_many(keys)
    store.trouble = None
    for left in (700, 200, 0, 0):
        (entry,) = await cache.get_many([random.choice(keys)])
        assert entry is None or entry.value == b""
        assert cache.statistics().owed == left


async def test_a_defect_of_the_adapter_is_not_hidden(cache, store):
    store.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await cache.get_many(["a"])


async def test_a_cancelled_reader_is_cancelled(cache, store, breaker):
    store.trouble = "slow"
    slow = GuardedCache(store, breaker, budget=60)
    task = asyncio.create_task(slow.get_many(["a"]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert breaker.statistics().counts.failures == 0
