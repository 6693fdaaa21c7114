"""Values of one type: loaded once, kept for a while, refreshed early, forgotten when told so."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from hardy.cache import Freshness, Keyspace, MemoryCache
from hardy.cache._envelope import shape_of
from hardy.core import (
    BuildFailed,
    Call,
    Deadline,
    DeadlineExceeded,
    NotFound,
    Operation,
    TaskFailed,
    Unavailable,
    current_call,
)


@dataclass
class Price:
    sku: str
    amount: Decimal
    id: UUID
    at: datetime
    tags: list[str]


PRICE = Price("tea", Decimal("12.50"), UUID(int=7), datetime(2026, 1, 1, tzinfo=UTC), ["hot"])


@pytest.fixture
def cache(clock):
    return MemoryCache(clock=clock)


@pytest.fixture
def keyspace(cache, clock):
    def make(type_=int, ttl=60, **options):
        fresh = ttl if isinstance(ttl, Freshness) else Freshness(ttl=ttl, jitter=0, early=0)
        return Keyspace(cache, "prices", type_, ttl=fresh, clock=clock, **options)

    return make


async def test_a_value_comes_back_as_its_type(keyspace):
    async def load():
        return PRICE

    prices = keyspace(Price)
    assert await prices.get_or_load("tea", load) == PRICE
    assert await prices.get_or_load("tea", load) == PRICE
    assert prices.statistics().loads == 1
    assert prices.statistics().hits == 1


async def test_each_reader_gets_an_object_of_its_own(keyspace):
    async def load():
        return PRICE

    prices = keyspace(Price)
    found = await asyncio.gather(*(prices.get_or_load("tea", load) for _ in range(3)))
    found[0].tags.append("spoilt")
    assert found[1].tags == ["hot"]
    assert PRICE.tags == ["hot"]
    assert (await prices.get_or_load("tea", load)).tags == ["hot"]


async def test_a_value_is_loaded_again_after_its_time(keyspace, clock, source):
    prices = keyspace(ttl=60)
    await prices.get_or_load("tea", source)
    clock.advance(59)
    source.value = 2
    assert await prices.get_or_load("tea", source) == 1
    clock.advance(1)
    assert await prices.get_or_load("tea", source) == 2


async def test_the_wall_clock_says_nothing(keyspace, clock, source):
    prices = keyspace(ttl=60)
    await prices.get_or_load("tea", source)
    clock.jump(3600)
    assert await prices.get_or_load("tea", source) == 1
    clock.jump(-7200)
    clock.advance(60)
    await prices.get_or_load("tea", source)
    assert source.loads == 2


@pytest.mark.parametrize("callers", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_of_many_misses_one_loads(keyspace, source, until, callers):
    prices = keyspace()
    source.gate = asyncio.Event()
    tasks = [asyncio.create_task(prices.get_or_load("tea", source)) for _ in range(callers)]
    await until(lambda: prices.statistics().misses == callers)
    source.gate.set()
    assert await asyncio.gather(*tasks) == [1] * callers
    assert source.loads == 1


async def test_an_error_is_raised_to_all_and_not_kept(keyspace, source, until):
    prices = keyspace()
    source.gate, source.error = asyncio.Event(), NotFound("no such price")
    tasks = [asyncio.create_task(prices.get_or_load("tea", source)) for _ in range(5)]
    await until(lambda: prices.statistics().misses == 5)
    source.gate.set()
    assert all(isinstance(each, NotFound) for each in await asyncio.gather(*tasks, return_exceptions=True))
    source.error = None
    assert await prices.get_or_load("tea", source) == 1
    assert source.loads == 2


async def test_a_caller_that_leaves_ends_nobody_elses_load(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()
    first = asyncio.create_task(prices.get_or_load("tea", source))
    second = asyncio.create_task(prices.get_or_load("tea", source))
    await until(lambda: prices.statistics().misses == 2)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.gate.set()
    assert await second == 1
    assert await prices.get_or_load("tea", source) == 1
    assert source.loads == 1


async def test_a_load_that_everybody_left_is_kept_all_the_same(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()
    only = asyncio.create_task(prices.get_or_load("tea", source))
    await until(lambda: source.loads == 1)
    only.cancel()
    await asyncio.gather(only, return_exceptions=True)
    source.gate.set()
    assert await prices.get_or_load("tea", source) == 1
    assert source.loads == 1


async def test_a_waiter_honours_its_own_deadline(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()

    async def nap() -> None: ...

    async def read(call):
        call.deadline = Deadline.after(0.02)
        return await prices.get_or_load("tea", source)

    patient = asyncio.create_task(prices.get_or_load("tea", source))
    with pytest.raises(DeadlineExceeded):
        await Call(Operation.of(nap), "direct").run(read)
    source.gate.set()
    assert await patient == 1


async def test_a_load_sees_no_call(keyspace):
    seen = []

    async def load():
        seen.append(current_call())
        return 1

    async def nap() -> None: ...

    prices = keyspace()
    await Call(Operation.of(nap), "direct").run(lambda call: prices.get_or_load("tea", load))
    assert seen == [None]


async def test_nothing_is_kept_for_its_own_time(keyspace, clock, source):
    prices = keyspace(ttl=Freshness(ttl=60, nothing=5, jitter=0, early=0))
    source.value = None
    assert await prices.find_or_load("tea", source) is None
    clock.advance(4)
    assert await prices.find_or_load("tea", source) is None
    assert source.loads == 1
    source.value = 3
    clock.advance(1)
    assert await prices.find_or_load("tea", source) == 3


async def test_nothing_is_not_kept_unless_told_so(keyspace, source):
    prices = keyspace()
    source.value = None
    assert [await prices.find_or_load("tea", source) for _ in range(2)] == [None, None]
    assert source.loads == 2


async def test_a_reader_that_knows_no_nothing_loads(keyspace, source):
    prices = keyspace(ttl=Freshness(ttl=60, nothing=5))
    source.value = None
    await prices.find_or_load("tea", source)
    source.value = 4
    assert await prices.get_or_load("tea", source) == 4


async def test_an_old_value_is_served_while_a_new_one_is_loaded(keyspace, clock, source, until):
    prices = keyspace(ttl=Freshness(ttl=60, stale=30, jitter=0, early=0))
    await prices.get_or_load("tea", source)
    clock.advance(70)
    source.value, source.gate = 2, asyncio.Event()
    assert [await prices.get_or_load("tea", source) for _ in range(5)] == [1] * 5
    await until(lambda: source.loads == 2)
    source.gate.set()
    await until(lambda: prices._flights.statistics().running == 0)
    assert await prices.get_or_load("tea", source) == 2
    assert source.loads == 2
    assert prices.statistics().stale == 5
    assert prices.statistics().refreshes == 1


async def test_after_the_time_to_be_stale_a_reader_waits(keyspace, clock, source):
    prices = keyspace(ttl=Freshness(ttl=60, stale=30, jitter=0, early=0))
    await prices.get_or_load("tea", source)
    clock.advance(91)
    source.value = 2
    assert await prices.get_or_load("tea", source) == 2


async def test_a_refresh_that_fails_is_told_and_rests_for_a_while(keyspace, clock, source, until):
    told = []
    prices = keyspace(ttl=Freshness(ttl=60, stale=30, jitter=0, early=0), emit=told.append)
    await prices.get_or_load("tea", source)
    clock.advance(70)
    source.error = ConnectionResetError()
    assert await prices.get_or_load("tea", source) == 1
    await until(lambda: told)
    assert isinstance(told[0], TaskFailed)
    assert [await prices.get_or_load("tea", source) for _ in range(5)] == [1] * 5
    assert source.loads == 2
    clock.advance(1.1)
    source.error, source.value = None, 2
    await prices.get_or_load("tea", source)
    await until(lambda: prices._flights.statistics().running == 0)
    assert await prices.get_or_load("tea", source) == 2


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), Unavailable("x"), TimeoutError()], ids=lambda e: type(e).__name__
)
async def test_an_old_value_is_served_when_the_source_is_down(keyspace, clock, source, error):
    prices = keyspace(ttl=Freshness(ttl=60, stale_on_error=600, jitter=0, early=0))
    await prices.get_or_load("tea", source)
    clock.advance(300)
    source.error = error
    assert await prices.get_or_load("tea", source) == 1
    assert prices.statistics().stale_on_error == 1
    clock.advance(400)
    with pytest.raises(type(error)):
        await prices.get_or_load("tea", source)


async def test_an_answer_of_the_source_is_no_failure(keyspace, clock, source):
    prices = keyspace(ttl=Freshness(ttl=60, stale_on_error=600, jitter=0, early=0))
    await prices.get_or_load("tea", source)
    clock.advance(300)
    source.error = NotFound("it is gone")
    with pytest.raises(NotFound):
        await prices.get_or_load("tea", source)


async def test_a_load_that_takes_too_long_ends(keyspace):
    prices = keyspace(ttl=Freshness(ttl=60, load_timeout=0.01))
    with pytest.raises(DeadlineExceeded):
        await prices.get_or_load("tea", asyncio.Event().wait)


async def test_times_are_drawn_around_the_time_to_live(cache, clock, source):
    prices = Keyspace(cache, "prices", int, ttl=Freshness(ttl=100, jitter=0.1), clock=clock)
    for n in range(200):
        await prices.get_or_load(str(n), source)
    left = [cache.look_up(key).ttl for key in list(cache._kept)]
    assert 90 <= min(left) < 93
    assert 107 < max(left) <= 110


async def test_xfetch_refreshes_about_once_in_each_time_to_live(keyspace, clock):
    random.seed(20150801)
    prices = keyspace(ttl=Freshness(ttl=60, jitter=0))
    loads = 0

    async def load():
        nonlocal loads
        loads += 1
        clock.advance(1.5)  # a dear one
        return loads

    waited = 0
    for _ in range(50 * 60 * 10):
        before = prices.statistics().misses
        await prices.get_or_load("tea", load)
        waited += prices.statistics().misses - before
        clock.advance(0.1)
        if prices._flights.statistics().running:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    times = clock.monotonic() / 60
    assert times > 45
    assert 1 <= loads / times < 1.5
    assert waited < 5  # nearly every value was refreshed before it ended


async def test_cheap_loads_are_hardly_refreshed_early(keyspace, clock, source):
    prices = keyspace(ttl=Freshness(ttl=60, jitter=0))
    await prices.get_or_load("tea", source)
    for _ in range(590):
        clock.advance(0.1)
        await prices.get_or_load("tea", source)
    assert source.loads == 1


async def test_what_was_forgotten_is_loaded_anew(keyspace, source):
    prices = keyspace()
    await prices.get_or_load("tea", source)
    source.value = 2
    await prices.forget("tea", "oil")
    assert await prices.get_or_load("tea", source) == 2
    assert await prices.get_or_load("tea", source) == 2
    assert source.loads == 2


async def test_what_was_loaded_before_the_key_was_forgotten_is_not_kept(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()
    early = asyncio.create_task(prices.get_or_load("tea", source))
    await until(lambda: source.loads == 1)
    source.value = 2
    await prices.forget("tea")
    late = asyncio.create_task(prices.get_or_load("tea", source))
    await until(lambda: source.loads == 2)  # it does not join the load that began before
    source.gate.set()
    assert await early == 1
    assert await late == 2
    assert await prices.get_or_load("tea", source) == 2
    assert prices.statistics().unstored == 1


async def test_what_another_process_loaded_before_the_key_was_forgotten_is_not_kept(keyspace, source, until):
    here, there = keyspace(), keyspace()
    source.gate = asyncio.Event()
    early = asyncio.create_task(there.get_or_load("tea", source))
    await until(lambda: source.loads == 1)
    await here.forget("tea")
    source.value, source.gate = 2, (gate := source.gate) and None
    gate.set()
    assert await early == 1
    assert await there.get_or_load("tea", source) == 2


async def test_a_refresh_does_not_undo_what_was_set(keyspace, clock, source, until):
    prices = keyspace(ttl=Freshness(ttl=60, stale=30, jitter=0, early=0))
    await prices.get_or_load("tea", source)
    clock.advance(70)
    source.gate = asyncio.Event()
    await prices.get_or_load("tea", source)
    await until(lambda: source.loads == 2)
    await prices.set("tea", 9)
    source.gate.set()
    await until(lambda: prices._flights.statistics().running == 0)
    assert await prices.get_or_load("tea", source) == 9


async def test_what_was_set_is_not_loaded(keyspace, source):
    prices = keyspace()
    await prices.set("tea", 5, tags=["hot"])
    assert await prices.get_or_load("tea", source, tags=["hot"]) == 5
    assert source.loads == 0


async def test_a_tag_forgets_all_its_values_in_all_keyspaces(cache, keyspace, clock, source):
    prices = keyspace()
    stocks = Keyspace(cache, "stocks", int, ttl=60, clock=clock)
    for space in (prices, stocks):
        for key in ("tea", "oil"):
            await space.get_or_load(key, source, tags=["shop", key])
    assert source.loads == 4
    await prices.forget_tags("tea")
    for space in (prices, stocks):
        for key in ("tea", "oil"):
            await space.get_or_load(key, source, tags=["shop", key])
    assert source.loads == 6
    await prices.forget_tags("shop")
    await stocks.get_or_load("oil", source, tags=["shop", "oil"])
    assert source.loads == 7


async def test_of_many_misses_with_tags_one_loads(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()
    tasks = [asyncio.create_task(prices.get_or_load("tea", source, tags=["a", "b"])) for _ in range(100)]
    await until(lambda: prices.statistics().misses == 100)
    await until(lambda: source.loads)
    source.gate.set()
    await asyncio.gather(*tasks)
    assert source.loads == 1


async def test_what_was_loaded_before_its_tag_was_forgotten_is_not_good(keyspace, source, until):
    prices = keyspace()
    source.gate = asyncio.Event()
    early = asyncio.create_task(prices.get_or_load("tea", source, tags=["shop"]))
    await until(lambda: source.loads == 1)
    source.value = 2
    await prices.forget_tags("shop")
    late = asyncio.create_task(prices.get_or_load("tea", source, tags=["shop"]))
    await until(lambda: source.loads == 2)
    source.gate.set()
    assert (await early, await late) == (1, 2)
    assert await prices.get_or_load("tea", source, tags=["shop"]) == 2


async def test_a_tag_that_the_store_dropped_makes_nothing_good(cache, keyspace, source):
    prices = keyspace()
    await prices.get_or_load("tea", source, tags=["shop"])
    await cache.delete_many(["tag:shop"])
    source.value = 2
    assert await prices.get_or_load("tea", source, tags=["shop"]) == 2
    assert await prices.get_or_load("tea", source, tags=["shop"]) == 2
    assert source.loads == 2


@pytest.mark.parametrize(
    "junk", [b"", b"\x01", b"garbage" * 3, b"\x01\x00" + bytes(8) + b"no json", b"\x01\x00" + bytes(8) + b'"text"']
)
async def test_what_cannot_be_read_is_loaded_anew(cache, keyspace, source, junk):
    prices = keyspace()
    await prices.get_or_load("tea", source)
    (key,) = cache._kept
    await cache.set_many({key: junk}, 60)
    assert await prices.get_or_load("tea", source) == 1
    assert await prices.get_or_load("tea", source) == 1
    assert source.loads == 2


async def test_another_type_has_other_keys(cache, clock, source):
    numbers = Keyspace(cache, "prices", int, ttl=60, clock=clock)
    texts = Keyspace(cache, "prices", str, ttl=60, clock=clock)
    await numbers.get_or_load("tea", source)
    source.value = "two"
    assert await texts.get_or_load("tea", source) == "two"


def test_the_shape_changes_with_the_members_and_not_with_the_prose():
    def shaped(**members):
        made = dataclass(type("P", (), {"__annotations__": members, "__module__": __name__}))
        made.__doc__ = str(random.random())
        return shape_of(made)

    assert shaped(a=int) == shaped(a=int)
    assert len({shaped(a=int), shaped(a=str), shaped(b=int), shaped(a=int, description=str), shaped(a=int | None)}) == 5


async def test_long_keys_stay_apart(keyspace, source):
    prices = keyspace()
    await prices.get_or_load("x" * 5_000, source)
    source.value = 2
    assert await prices.get_or_load("x" * 5_000 + "y", source) == 2
    assert await prices.get_or_load("x" * 5_000, source) == 1


async def test_a_value_that_cannot_be_kept_is_told(keyspace, source):
    prices = keyspace()
    source.value = object()
    with pytest.raises(TypeError):
        await prices.get_or_load("tea", source)


def test_a_type_that_cannot_travel_is_refused(cache):
    with pytest.raises(BuildFailed):
        Keyspace(cache, "prices", complex, ttl=60)


@pytest.mark.parametrize(
    "wrong",
    [{"ttl": 0}, {"ttl": float("inf")}, {"ttl": 1, "jitter": 1}, {"ttl": 1, "stale": -1}, {"ttl": 1, "nothing": 0}],
    ids=str,
)
def test_lengths_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        Freshness(**wrong)


async def test_closing_cancels_the_loads(keyspace, source, until):
    source.gate = asyncio.Event()
    async with keyspace() as prices:
        waiting = asyncio.create_task(prices.get_or_load("tea", source))
        await until(lambda: source.loads == 1)
    with pytest.raises(Unavailable):
        await waiting
