"""Replicas that load a key one at a time, with a lock that is never an outage either."""

import asyncio

import pytest

from hardy.cache import Freshness, Keyspace, MemoryCache, MemoryLock
from hardy.cache._load import Turns
from hardy.core import NotFound, Unavailable


@pytest.fixture
def replicas():
    """Makes keyspaces as four processes have them: the store and the lock are all they share."""

    def make(lock, cache=None):
        cache = cache or MemoryCache()
        return [Keyspace(cache, "prices", int, ttl=60, lock=lock) for _ in range(4)]

    return make


@pytest.mark.parametrize("callers", [100, pytest.param(2_500, marks=pytest.mark.slow)])
async def test_of_many_misses_in_all_replicas_one_loads(replicas, source, until, callers):
    spaces = replicas(MemoryLock())
    source.gate = asyncio.Event()
    tasks = [asyncio.create_task(space.get_or_load("tea", source)) for space in spaces for _ in range(callers)]
    await until(lambda: all(space.statistics().misses == callers for space in spaces))
    source.gate.set()
    assert await asyncio.gather(*tasks) == [1] * callers * 4
    assert source.loads == 1


async def test_a_load_that_fails_is_the_next_replicas_turn(replicas, source, until):
    one, other, *_ = replicas(MemoryLock())
    source.gate, source.error = asyncio.Event(), NotFound("x")
    first = asyncio.create_task(one.get_or_load("tea", source))
    await until(lambda: source.loads == 1)
    second = asyncio.create_task(other.get_or_load("tea", source))
    await until(lambda: other.statistics().misses == 1)
    source.gate.set()
    with pytest.raises(NotFound):
        await first
    with pytest.raises(NotFound):
        await second
    assert source.loads == 2


class Absent(MemoryLock):
    """Cannot be reached in the way it is told."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble = trouble

    async def take(self, name, *, ttl, wait):
        if self.trouble == "slow":
            await asyncio.Event().wait()
        if self.trouble is None:
            return await super().take(name, ttl=ttl, wait=wait)
        raise self.trouble


@pytest.mark.parametrize(
    "trouble",
    [Unavailable("down"), ConnectionResetError(), "slow"],
    ids=lambda t: t if isinstance(t, str) else type(t).__name__,
)
async def test_without_the_lock_each_replica_loads_for_itself(replicas, source, trouble):
    spaces = replicas(Absent(trouble))
    assert await asyncio.gather(*(space.get_or_load("tea", source) for space in spaces)) == [1] * 4
    assert 1 <= source.loads <= 4


class Slow(MemoryLock):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.answers = asyncio.Event()
        self.asked = 0

    async def take(self, name, *, ttl, wait):
        self.asked += 1
        await self.answers.wait()
        return await super().take(name, ttl=ttl, wait=wait)


async def test_a_lock_that_is_slow_to_answer_is_waited_for(replicas, source, until):
    """On a machine under load the answer takes its time, and each replica would load for itself."""
    lock = Slow()
    tasks = [asyncio.create_task(space.get_or_load("tea", source)) for space in replicas(lock)]
    await until(lambda: lock.asked == 4)
    asyncio.get_running_loop().call_later(0.2, lock.answers.set)
    assert await asyncio.gather(*tasks) == [1] * 4
    assert source.loads == 1


async def test_a_lock_that_does_not_answer_costs_one_load_of_many_its_time(source):
    lock = Slow()
    prices = Keyspace(MemoryCache(), "prices", int, ttl=Freshness(ttl=60, lock_timeout=0.02), lock=lock)
    for number in range(20):
        assert await prices.get_or_load(f"tea {number}", source) == 1
    assert lock.asked < 20


async def test_a_lock_that_answers_again_is_asked_again(source):
    trouble = Absent(Unavailable("down"))
    turns = Turns(trouble, patience=5, answer=5)

    async def nothing():
        return None

    async def load():
        return b"1"

    assert await turns.load("tea", nothing, load) == b"1"
    trouble.trouble = None
    turns._rest_until = 0.0
    async with trouble.hold("load tea") as held:
        first = held.token
    assert await turns.load("tea", nothing, load) == b"1"
    assert await turns.load("tea", nothing, load) == b"1"
    async with trouble.hold("load tea") as held:
        assert held.token == first + 3


async def test_a_replica_that_holds_the_lock_for_too_long_is_not_waited_for(source):
    lock = MemoryLock()
    prices = Keyspace(MemoryCache(), "prices", int, ttl=Freshness(ttl=60, load_timeout=0.2), lock=lock)
    async with lock.hold(f"load {prices._key('tea')}"):
        assert await prices.get_or_load("tea", source) == 1


async def test_a_lock_that_is_lost_while_loading_costs_no_answer(replicas, until):
    lock = MemoryLock()
    prices = replicas(lock)[0]
    loads = 0

    async def load():
        nonlocal loads
        loads += 1
        ((name, state),) = lock._names.items()
        await lock.release(name, state.token)
        return loads

    assert await prices.get_or_load("tea", load) == 1
    assert loads == 1
