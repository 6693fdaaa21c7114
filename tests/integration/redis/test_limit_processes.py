"""Four processes on a limit let through together what the limit says, and never one more."""

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


async def pushed_by_four(redis, url, seconds):
    """Return what four processes counted together, and within how many microseconds."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, PASSER, url, str(seconds), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
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
    return [sum(each) for each in zip(*counts, strict=True)], ended - began


@pytest.fixture
async def redis(valkey_url):
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as redis:
        yield redis


@pytest.mark.parametrize("seconds", [1.5, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_never_one_over_the_limit(redis, valkey_url, seconds):
    counts, took = await pushed_by_four(redis, valkey_url, seconds)
    flowed, refused, stood, refused_too = counts
    flows = Rate(200, per=1, burst=50)
    assert flows.burst < flowed <= flows.burst + took // flows.interval
    assert stood == 100  # nothing flows in: exactly the limit
    assert refused > 0
    assert refused_too > 0
