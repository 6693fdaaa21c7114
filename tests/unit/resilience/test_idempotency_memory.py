import pytest

from hardy.resilience import Claim, Kept, MemoryIdempotency
from hardy.testing import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


async def keep(store, key, outcome=b"done", lifetime=100.0):
    claim = await store.begin(key, b"message", lease=10)
    assert isinstance(claim, Claim)
    await store.keep(claim, outcome, lifetime=lifetime)


async def test_beyond_its_bytes_the_oldest_outcomes_go(clock):
    store = MemoryIdempotency(max_bytes=1000, clock=clock)
    for number in range(20):
        await keep(store, f"key {number}", b"x" * 100)
        assert store.statistics().size <= 1000
    assert (store.statistics().outcomes, store.statistics().evicted) == (10, 10)
    assert isinstance(await store.begin("key 19", b"message", lease=10), Kept)
    assert isinstance(await store.begin("key 0", b"message", lease=10), Claim)


async def test_what_expires_is_forgotten_as_others_come(clock):
    store = MemoryIdempotency(clock=clock)
    for number in range(50):
        await keep(store, f"key {number}")
    clock.advance(101)
    for number in range(50):
        await keep(store, f"later {number}")
    assert store.statistics().outcomes == 50


async def test_claims_that_nobody_ends_do_not_pile_up(clock):
    store = MemoryIdempotency(clock=clock)
    for number in range(1000):
        await store.begin(f"key {number}", b"message", lease=1)
        clock.advance(1)
    assert store.statistics().claims <= 3


async def test_closing_forgets_everything(clock):
    store = MemoryIdempotency(clock=clock)
    async with store:
        await keep(store, "key")
        await store.begin("other", b"message", lease=10)
    counted = store.statistics()
    assert (counted.claims, counted.outcomes, counted.size) == (0, 0, 0)


async def test_the_wall_clock_may_jump(clock):
    store = MemoryIdempotency(clock=clock)
    await keep(store, "key")
    clock.jump(86400)
    assert isinstance(await store.begin("key", b"message", lease=10), Kept)
