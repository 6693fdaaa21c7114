"""The script decides as `gcra` does, and the limiter counts for everybody."""

import asyncio
from math import inf
from random import Random

import pytest

from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings, Script
from hardy.adapters.redis._limiter import _ADMIT
from hardy.core import Unavailable
from hardy.resilience import Rate, gcra

AT = Script(_ADMIT.source.replace("redis.call('TIME')", "{tonumber(ARGV[4]), tonumber(ARGV[5])}"))
"""The same script at a time of one's own."""


@pytest.mark.parametrize(
    "rate",
    [Rate(10, per=1), Rate(1, per=1), Rate(7, per=3, burst=2), Rate(1000, per=0.01), Rate(5, per=86400, burst=20)],
    ids=["ten a second", "one a second", "odd", "a flood", "a day"],
)
async def test_the_script_decides_as_gcra_does(redis, rate):
    random, taken, now = Random(3), None, 1_795_373_072_000_000
    full = rate.burst * rate.interval
    for _ in range(300):
        now += random.choice([0, 1, rate.interval // 2, rate.interval, full, -full, -3 * full, random.randrange(full)])
        cost = random.choice([1, 1, 1, 2, rate.burst, rate.burst + 1])
        moment, expected = gcra(taken, now, rate, cost)
        taken = taken if moment is None else moment
        words = (rate.interval, rate.burst, cost, now // 1_000_000, now % 1_000_000)
        allowed, remaining, reset, wait = await redis.run(AT, ["k"], words)
        await redis.execute("PERSIST", "k")  # its own clock does not go with ours
        assert (bool(allowed), remaining, reset / 1e6) == (
            expected.allowed,
            expected.remaining,
            expected.reset_after,
        )
        if not allowed and cost <= rate.burst:
            assert wait / 1e6 == expected.retry_after


async def test_what_is_let_through_is_the_burst_and_what_flowed_in(redis):
    limiter, rate = RedisLimiter(redis, timeout=20), Rate(5, per=3600)
    admissions = await asyncio.gather(*(limiter.admit("ann", rate) for _ in range(50)))
    assert [each.remaining for each in admissions if each.allowed] == [4, 3, 2, 1, 0]
    refused = admissions[-1]
    assert (refused.limit, refused.remaining) == (5, 0)
    assert 0 < refused.retry_after <= 720
    assert 2880 < refused.reset_after <= 3600


async def test_each_key_and_each_prefix_has_its_own(redis):
    limiter, other = RedisLimiter(redis, timeout=20), RedisLimiter(redis, prefix="other:", timeout=20)
    once = Rate(1, per=3600)
    asked = [limiter.admit("ann", once), limiter.admit("bob", once), other.admit("ann", once)]
    assert all(each.allowed for each in await asyncio.gather(*asked))


async def test_more_than_the_burst_is_never_let_through(redis):
    refused = await RedisLimiter(redis, timeout=20).admit("ann", Rate(5, per=1), cost=6)
    assert (refused.allowed, refused.retry_after, refused.remaining) == (False, inf, 5)


async def test_what_is_remembered_goes_when_the_bucket_is_full(redis):
    await RedisLimiter(redis, timeout=20).admit("ann", Rate(10, per=60))
    assert 0 < await redis.execute("PTTL", "limit:ann") <= 6000


async def test_one_round_trip_each(redis):
    limiter = RedisLimiter(redis, timeout=20)
    await limiter.admit("ann", Rate(10, per=60))
    before = redis.statistics().commands
    await limiter.admit("ann", Rate(10, per=60))
    assert redis.statistics().commands == before + 1


async def test_a_store_that_is_slow_says_so_soon(peer):
    async with Redis(RedisSettings(url=peer.url, timeout=20)) as redis:
        with pytest.raises(Unavailable):
            await RedisLimiter(redis, timeout=0.02).admit("ann", Rate(10, per=60))


async def test_what_it_said_is_counted(redis):
    limiter = RedisLimiter(redis, timeout=20)
    for _ in range(3):
        await limiter.admit("ann", Rate(2, per=3600))
    counted = limiter.statistics()
    assert (counted.admitted, counted.refused, counted.failed) == (2, 1, 0)


async def test_a_server_that_does_not_answer_costs_few_calls_their_time(peer):
    async with Redis(RedisSettings(url=peer.url, timeout=20)) as redis:
        limiter = RedisLimiter(redis, timeout=0.02)
        for _ in range(100):
            with pytest.raises(Unavailable):
                await limiter.admit("ann", Rate(5, per=60))
        assert redis.statistics().commands < 100
