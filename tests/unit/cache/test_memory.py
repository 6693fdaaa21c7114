"""A memory cache against a model of it, and within its bounds."""

import asyncio

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hardy.cache import MemoryCache
from hardy.cache._memory import OVERHEAD
from hardy.testing import VirtualClock

KEYS = st.sampled_from("abcdefg")
VALUES = st.binary(max_size=60)
TTLS = st.sampled_from([0.5, 1.0, 5.0])
ENTRIES, SIZE = 4, 4 * OVERHEAD + 100


class Model(RuleBasedStateMachine):
    """Does everything twice: in the cache, and in a plain dict with the oldest first."""

    def __init__(self):
        super().__init__()
        self.clock = VirtualClock()
        self.cache = MemoryCache(entries=ENTRIES, size=SIZE, clock=self.clock)
        self.model = {}

    def run(self, work):
        try:
            work.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("a memory cache waits for nothing")

    def live(self, key):
        if key in self.model and self.model[key][1] <= self.clock.monotonic():
            del self.model[key]
        return self.model.get(key)

    def put(self, key, value, ttl):
        self.model.pop(key, None)
        if self.cost(key, value) > SIZE:
            return
        self.model[key] = (value, self.clock.monotonic() + ttl)
        while len(self.model) > ENTRIES or sum(self.cost(k, v) for k, (v, _) in self.model.items()) > SIZE:
            del self.model[next(iter(self.model))]

    def cost(self, key, value):
        return OVERHEAD + len(key) + len(value)

    @rule(keys=st.lists(KEYS, max_size=4))
    def get(self, keys):
        for key, entry in zip(keys, self.run(self.cache.get_many(keys)), strict=True):
            kept = self.live(key)
            assert (entry and (entry.value, entry.ttl)) == (kept and (kept[0], kept[1] - self.clock.monotonic()))
            if kept:
                self.model[key] = self.model.pop(key)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key, value, ttl):
        self.run(self.cache.set_many({key: value}, ttl))
        self.put(key, value, ttl)

    @rule(key=KEYS, value=VALUES, ttl=TTLS, behind=st.booleans())
    def replace(self, key, value, ttl, behind):
        (entry,) = self.run(self.cache.get_many([key]))
        if self.live(key):
            self.model[key] = self.model.pop(key)
        version = entry and entry.version
        if behind:
            version = -1 if version is None else None
        written = self.run(self.cache.replace(key, value, ttl, version=version))
        assert written is not behind
        if written:
            self.put(key, value, ttl)

    @rule(keys=st.lists(KEYS, max_size=3))
    def delete(self, keys):
        self.run(self.cache.delete_many(keys))
        for key in keys:
            self.model.pop(key, None)

    @rule(seconds=st.sampled_from([0.25, 1.0, 6.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def set_the_clock(self, seconds):
        self.clock.jump(seconds)

    @invariant()
    def it_stays_within_its_bounds(self):
        statistics = self.cache.statistics()
        assert statistics.entries <= ENTRIES
        assert statistics.bytes <= SIZE
        assert statistics.bytes == sum(self.cost(key, kept[0]) for key, kept in self.cache._kept.items())


class TestModel(Model.TestCase):
    settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


async def test_what_was_used_last_stays():
    cache = MemoryCache(entries=3)
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, 60)
    await cache.get_many(["a"])
    await cache.set_many({"d": b"4"}, 60)
    assert [entry is not None for entry in await cache.get_many("abcd")] == [True, False, True, True]
    assert cache.statistics().evicted == 1


async def test_a_value_larger_than_the_cache_is_not_kept():
    cache = MemoryCache(size=1_000)
    await cache.set_many({"small": b"1"}, 60)
    await cache.set_many({"large": bytes(2_000)}, 60)
    assert [entry is not None for entry in await cache.get_many(["small", "large"])] == [True, False]


async def test_hits_and_misses_are_counted(clock):
    cache = MemoryCache(clock=clock)
    await cache.set_many({"a": b"1"}, 60)
    await cache.get_many(["a", "b"])
    clock.advance(60)
    await cache.get_many(["a"])
    statistics = cache.statistics()
    assert (statistics.hits, statistics.misses, statistics.expired, statistics.entries) == (1, 2, 1, 0)


@pytest.mark.parametrize("name", ["process_local", "worker_local"])
def test_it_says_that_others_cannot_share_it(name):
    assert getattr(MemoryCache, name) is True


async def test_closing_drops_everything():
    async with MemoryCache() as cache:
        await cache.set_many({"a": b"1"}, 60)
    assert cache.statistics().entries == 0
    await asyncio.sleep(0)
