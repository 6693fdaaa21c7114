"""Four processes on one limit let through together what the limit says, and never one more."""

import asyncio
import sys
from pathlib import Path

import pytest

from hardy.adapters.redis import Redis, RedisSettings
from hardy.resilience import Rate

PASSER = Path(__file__).with_name("passer.py")


async def now(redis):
    """Return the server's time in microseconds: the clock by which the limit counts."""
    seconds, microseconds = await redis.execute("TIME")
    return int(seconds) * 1_000_000 + int(microseconds)


async def pushed_by_four(redis, url, rate, seconds):
    """Return how often four processes were let through, and refused, within how many microseconds."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, PASSER, url, str(rate.count), str(rate.per), str(rate.burst), str(seconds),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    try:
        for process in processes:
            assert await process.stdout.readline() == b"ready\n"
        began = await now(redis)
        for process in processes:
            process.stdin.write(b"go\n")
        counts = [[int(each) for each in (await process.stdout.readline()).split()] for process in processes]
        ended = await now(redis)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
    return sum(passed for passed, _ in counts), sum(refused for _, refused in counts), ended - began


@pytest.fixture
async def redis(valkey_url):
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as redis:
        yield redis


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_never_one_over_what_flows_in(redis, valkey_url, seconds):
    rate = Rate(200, per=1, burst=50)
    passed, refused, took = await pushed_by_four(redis, valkey_url, rate, seconds)
    assert rate.burst < passed <= rate.burst + took // rate.interval
    assert refused > 0


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_exactly_the_limit_where_nothing_flows_in(redis, valkey_url, seconds):
    rate = Rate(100, per=10 * 86400)
    passed, refused, _ = await pushed_by_four(redis, valkey_url, rate, seconds)
    assert passed == 100
    assert refused > 0
