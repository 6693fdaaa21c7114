"""Whatever the order of reads, loads, refreshes and changes: what was forgotten is not read again."""

import asyncio
import random
from contextlib import nullcontext

import pytest

from hardy.cache import Freshness, GuardedCache, Keyspace, MemoryCache, MemoryInvalidations, MemoryLock, TwoLevelCache
from hardy.core import Unavailable
from hardy.resilience import Breaker, consecutive_failures
from hardy.testing import VirtualClock


class Wavering(MemoryCache):
    """Takes its time, a different one for each answer, and fails now and then."""

    def __init__(self, dice, clock, trouble):
        super().__init__(clock=clock)
        self.dice = dice
        self.trouble = trouble

    async def __aexit__(self, *_):
        pass

    async def waver(self):
        for _ in range(self.dice.randrange(4)):
            await asyncio.sleep(0)
        if self.dice.random() < self.trouble:
            raise Unavailable("now and then")

    async def get_many(self, keys, /):
        await self.waver()
        found = await super().get_many(keys)
        await self.waver()
        return found

    async def set_many(self, values, ttl, /):
        await self.waver()
        await super().set_many(values, ttl)
        await self.waver()

    async def replace(self, key, value, ttl, /, *, version):
        await self.waver()
        written = await super().replace(key, value, ttl, version=version)
        await self.waver()
        return written


class World:
    """Two replicas, one source of truth, and the oldest value that may still be read."""

    def __init__(self, seed, *, levels, lock, trouble):
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.shared = Wavering(self.dice, self.clock, trouble)
        self.news = MemoryInvalidations()
        self.levels = levels
        self.lock = MemoryLock() if lock else None
        self.trouble = trouble
        self.truth = 0
        self.oldest = 0
        self.reads = 0

    async def load(self):
        value = self.truth
        for _ in range(self.dice.randrange(6)):
            await asyncio.sleep(0)
        return value

    async def read(self, space):
        oldest = self.oldest
        value = await space.get_or_load("k", self.load, tags=["t"])
        self.reads += 1
        assert value >= oldest

    async def change(self, space):
        self.truth += 1
        truth = self.truth
        await (space.forget("k") if self.dice.random() < 0.5 else space.forget_tags("t"))
        self.oldest = max(self.oldest, truth)

    async def turn(self, spaces):
        await asyncio.sleep(0)
        for _ in range(self.dice.randrange(8)):
            await asyncio.sleep(0)
        space = self.dice.choice(spaces)
        if self.dice.random() < 0.2:
            await self.change(space)
        else:
            await self.read(space)
        self.clock.advance(self.dice.choice([0, 0, 0.3, 2]))

    async def caller(self, spaces):
        for _ in range(12):
            await self.turn(spaces)

    async def run(self):
        fresh = Freshness(ttl=3, stale=3, stale_on_error=3)
        caches = [self.shared, self.shared]
        if self.trouble:  # what one process owes, another cannot know
            breaker = Breaker("cache", trip=consecutive_failures(3), open_for=1, clock=self.clock)
            caches = [GuardedCache(self.shared, breaker, budget=60)]
        if self.levels:
            caches = [
                TwoLevelCache(nullcontext(cache), self.news, memory=MemoryCache(clock=self.clock)) for cache in caches
            ]
            for cache in caches:
                await cache.__aenter__()
        spaces = [Keyspace(cache, "s", int, ttl=fresh, lock=self.lock, clock=self.clock) for cache in caches]
        await asyncio.gather(*(self.caller(spaces) for _ in range(6)))
        for space in spaces:
            await space.__aexit__(None, None, None)
        return sum(space.statistics().hits for space in spaces)


@pytest.mark.parametrize(
    "options",
    [
        {"levels": False, "lock": False, "trouble": 0},
        {"levels": True, "lock": False, "trouble": 0},
        {"levels": True, "lock": True, "trouble": 0},
        {"levels": False, "lock": False, "trouble": 0.2},
        {"levels": True, "lock": True, "trouble": 0.2},
    ],
    ids=["one level", "two levels", "with a lock", "with failures", "with all of it"],
)
@pytest.mark.parametrize("worlds", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_what_was_forgotten_is_not_read_again(options, worlds):
    hits = 0
    for seed in range(worlds):
        hits += await World(seed, **options).run()
    assert hits
