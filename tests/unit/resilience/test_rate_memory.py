import pytest

from hardy.resilience import MemoryLimiter, Rate
from hardy.testing import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


async def test_it_forgets_a_key_once_its_bucket_is_full_again(clock):
    limiter = MemoryLimiter(clock=clock)
    for number in range(100):
        await limiter.admit(f"key {number}", Rate(1, per=1))
    clock.advance(2)
    for _ in range(60):
        await limiter.admit("somebody else", Rate(1000, per=1))
    assert limiter.statistics().keys == 1
    assert limiter.statistics().evicted == 0


async def test_it_never_remembers_more_keys_than_it_may(clock):
    limiter = MemoryLimiter(max_keys=10, clock=clock)
    for number in range(1000):
        await limiter.admit(f"key {number}", Rate(1, per=60))
        assert limiter.statistics().keys <= 10
    assert limiter.statistics().evicted == 990


async def test_who_comes_back_all_the_time_is_remembered_among_strangers(clock):
    limiter = MemoryLimiter(max_keys=10, clock=clock)
    passed = 0
    for number in range(1000):
        passed += (await limiter.admit("again", Rate(1, per=60))).allowed
        await limiter.admit(f"stranger {number}", Rate(1, per=60))
    assert passed == 1


async def test_the_wall_clock_may_jump(clock):
    limiter, rate = MemoryLimiter(clock=clock), Rate(1, per=60)
    await limiter.admit("ann", rate)
    for jump in (3600, -7200, 86400):
        clock.jump(jump)
        assert (await limiter.admit("ann", rate)).retry_after == 60


async def test_it_counts_what_it_decides(clock):
    limiter = MemoryLimiter(clock=clock)
    for _ in range(5):
        await limiter.admit("ann", Rate(3, per=60))
    counted = limiter.statistics()
    assert (counted.keys, counted.admitted, counted.refused) == (1, 3, 2)


async def test_it_takes_the_clock_of_its_app_unless_it_has_one(clock):
    own, taken = MemoryLimiter(clock=clock), MemoryLimiter()
    for limiter in (own, taken):
        limiter.wire(clock=(other := VirtualClock()))
        await limiter.admit("ann", Rate(1, per=60))
        other.advance(60)
    assert not (await own.admit("ann", Rate(1, per=60))).allowed
    assert (await taken.admit("ann", Rate(1, per=60))).allowed


async def test_closing_forgets_everything(clock):
    limiter = MemoryLimiter(clock=clock)
    async with limiter:
        await limiter.admit("ann", Rate(1, per=60))
    assert limiter.statistics().keys == 0


async def test_a_cost_below_one_and_room_for_nobody_are_refused():
    with pytest.raises(ValueError, match="at least 1 key"):
        MemoryLimiter(max_keys=0)
    with pytest.raises(ValueError, match="at least 1"):
        await MemoryLimiter().admit("ann", Rate(1, per=1), cost=0)
