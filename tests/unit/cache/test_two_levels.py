"""Two replicas, each with memory of its own before one shared cache."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hardy import App
from hardy.cache import Freshness, Keyspace, MemoryCache, MemoryInvalidations, TwoLevelCache
from hardy.core import Notices, Unavailable
from hardy.testing import client


class Shared(MemoryCache):
    """Survives its users, counts its reads, and holds one back where it is told to."""

    def __init__(self, **options):
        super().__init__(**options)
        self.reads = 0
        self.gate = None

    async def __aexit__(self, *_):
        pass

    async def get_many(self, keys, /):
        self.reads += 1
        found = await super().get_many(keys)
        if self.gate is not None:
            await self.gate.wait()
        return found


@pytest.fixture
def shared(clock):
    return Shared(clock=clock)


@pytest.fixture
def news():
    return MemoryInvalidations()


@pytest.fixture
async def replicas(shared, news, clock):
    async with (
        TwoLevelCache(shared, news, memory=MemoryCache(clock=clock)) as here,
        TwoLevelCache(shared, news, memory=MemoryCache(clock=clock)) as there,
    ):
        yield here, there


async def value_of(cache, key="a"):
    entry = (await cache.get_many([key]))[0]
    return entry and entry.value


async def test_the_second_read_asks_nobody(replicas, shared):
    here, _ = replicas
    await here.set_many({"a": b"1"}, 60)
    assert [await value_of(here) for _ in range(5)] == [b"1"] * 5
    assert shared.reads == 1
    assert (here.statistics().near, here.statistics().far) == (4, 1)


async def test_only_what_is_missing_here_is_asked_for(replicas, shared):
    here, _ = replicas
    await here.set_many({"a": b"1", "b": b"2"}, 60)
    await value_of(here)
    found = await here.get_many(["missing", "a", "b"])
    assert [entry and entry.value for entry in found] == [None, b"1", b"2"]
    assert here.statistics().near == 1


@pytest.mark.parametrize("change", ["set", "replace", "delete"])
async def test_a_change_is_seen_by_every_replica(replicas, change):
    here, there = replicas
    await here.set_many({"a": b"1"}, 60)
    assert (await value_of(here), await value_of(there)) == (b"1", b"1")
    version = (await here.get_many(["a"]))[0].version
    if change == "set":
        await here.set_many({"a": b"2"}, 60)
    elif change == "replace":
        assert await here.replace("a", b"2", 60, version=version)
    else:
        await here.delete_many(["a"])
    expected = None if change == "delete" else b"2"
    assert (await value_of(here), await value_of(there)) == (expected, expected)


async def test_it_ends_here_when_it_ends_there(replicas, clock):
    here, _ = replicas
    await here.set_many({"a": b"1"}, 5)
    assert await value_of(here) == b"1"
    clock.advance(5)
    assert await value_of(here) is None


async def test_the_time_left_is_that_of_the_shared_cache(replicas, clock):
    here, _ = replicas
    await here.set_many({"a": b"1"}, 600)
    for _ in range(2):
        assert (await here.get_many(["a"]))[0].ttl == 600
    clock.advance(4)
    assert (await here.get_many(["a"]))[0].ttl == 596


async def test_the_shared_cache_is_asked_again_after_a_while(replicas, shared, clock):
    here, _ = replicas
    await here.set_many({"a": b"1"}, 600)
    await value_of(here)
    await shared.set_many({"a": b"2"}, 600)  # and nobody tells
    assert await value_of(here) == b"1"
    clock.advance(10)
    assert await value_of(here) == b"2"


async def test_lost_news_drop_everything_near(replicas, shared, news):
    here, _ = replicas
    await here.set_many({"a": b"1"}, 600)
    await value_of(here)
    await shared.set_many({"a": b"2"}, 600)
    news.lose()
    assert await value_of(here) == b"2"
    assert here.statistics().cleared == 1


@pytest.mark.parametrize("how", ["told", "lost", "own"])
async def test_a_read_that_was_under_way_when_the_key_changed_is_not_kept(replicas, shared, news, how):
    here, there = replicas
    await there.set_many({"a": b"1"}, 600)
    shared.gate = asyncio.Event()
    reading = asyncio.create_task(value_of(here))
    await asyncio.sleep(0)
    if how == "told":
        await there.set_many({"a": b"2"}, 600)
    elif how == "own":
        await here.set_many({"a": b"2"}, 600)
    else:
        await shared.set_many({"a": b"2"}, 600)
        news.lose()
    shared.gate.set()
    assert await reading == b"1"
    assert await value_of(here) == b"2"


async def test_news_that_cannot_be_sent_are_counted(shared, clock):
    class Mute(MemoryInvalidations):
        async def publish(self, keys, /):
            raise Unavailable("no connection")

    async with TwoLevelCache(shared, Mute(), memory=MemoryCache(clock=clock)) as cache:
        await cache.set_many({"a": b"1"}, 60)
        assert await value_of(cache) == b"1"
        assert cache.statistics().unsent == 1


async def test_a_key_forgotten_in_one_replica_is_loaded_anew_in_all(replicas, clock, source):
    spaces = [
        Keyspace(cache, "prices", int, ttl=Freshness(ttl=60, jitter=0, early=0), clock=clock) for cache in replicas
    ]
    for space in spaces:
        assert await space.get_or_load("tea", source, tags=["shop"]) == 1
    assert source.loads == 1
    for forget in (spaces[0].forget("tea"), spaces[1].forget_tags("shop")):
        await forget
        source.value += 1
        assert [await space.get_or_load("tea", source, tags=["shop"]) for space in spaces] == [source.value] * 2
    assert source.loads == 3


class Far(MemoryInvalidations):
    process_local = False


@pytest.mark.parametrize(
    ("news", "near", "local"),
    [(Far(), False, False), (Far(), True, True), (MemoryInvalidations(), False, True)],
    ids=["shared", "store of one process", "news of one process"],
)
def test_it_is_as_local_as_what_it_stands_on(news, near, local):
    @asynccontextmanager
    async def opens():
        yield MemoryCache()

    assert TwoLevelCache(MemoryCache() if near else opens(), news).process_local is local


async def test_what_the_parts_notice_is_told_to_the_app():
    class Heard(MemoryCache):
        notices = None

        def wire(self, *, notices=None):
            self.notices = notices

    shared, notices = Heard(), Notices()
    app = App("shop")
    app.manage(TwoLevelCache(shared, MemoryInvalidations()))
    async with client(app):
        assert isinstance(shared.notices, Notices)
    TwoLevelCache(shared, MemoryInvalidations()).wire(notices=notices)
    assert shared.notices is notices


async def test_what_the_shared_cache_counts_is_told(shared, news):
    async with TwoLevelCache(shared, news) as cache:
        await cache.get_many(["a"])
        assert cache.statistics().shared.misses == 1
