"""A holder that stands still for longer than its time writes nothing, whatever happens to the server meanwhile."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.lock import PostgresLock

HOLDER = Path(__file__).with_name("holder.py")
HOUR = 3600 * 1_000_000
TRIALS = [20, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]


class Resource:
    """What is written to: it refuses whoever has a lower token than somebody before."""

    def __init__(self):
        self.highest = 0

    def write(self, token):
        if token < self.highest:
            return False
        self.highest = token
        return True


class Holder:
    """The process of holder.py."""

    def __init__(self, process):
        self.process = process

    async def ask(self, *words):
        self.say(*words)
        return await self.answer()

    def say(self, *words):
        self.process.stdin.write(json.dumps(words).encode() + b"\n")

    async def answer(self):
        async with asyncio.timeout(55):
            return json.loads(await self.process.stdout.readline())


async def ended(process):
    if process.returncode is None:
        process.kill()
    await process.wait()


@pytest.fixture
async def holders():
    """Start so many processes that hold."""
    async with AsyncExitStack() as stack:

        async def start(kind, url, number):
            found = []
            for _ in range(number):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, HOLDER, kind, url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
                )
                stack.push_async_callback(ended, process)
                found.append(Holder(process))
            for each in found:
                async with asyncio.timeout(50):
                    assert await each.process.stdout.readline() == b"ready\n"
            return found

        yield start


def nothing():
    """Happens most of the time."""


async def trial(first, second, resource, ttl, happens):
    """Stop *first* while it holds, let *second* hold after it, wake *first*: nothing that it does then counts."""
    token = await first.ask("take", ttl, 40)
    assert resource.write(token)
    first.process.send_signal(signal.SIGSTOP)
    try:
        happens()
        later = await second.ask("take", 30, 40)
        assert later > token, "tokens rise"
        assert resource.write(later)
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert not resource.write(token), "a stale write was accepted"
    assert await first.ask("extend", token, 30) is False
    assert await first.ask("release", token) is False, "released by who is not the holder"
    assert await second.ask("extend", later, 30) is True
    assert await second.ask("release", later) is True


@pytest.mark.parametrize("trials", TRIALS)
async def test_on_redis_no_stale_write_is_accepted(holders, valkey_server, valkey_url, trials):
    def crash():
        valkey_server.kill()
        valkey_server.start()

    def restart():
        valkey_server.stop()
        valkey_server.start()

    def set_back():
        # What remains when the clock was an hour ahead while the last token was given, and is right again.
        last = valkey_server.execute("get", "lock:fence").partition(b"\r\n")[2]
        valkey_server.execute("set", "lock:fence", str(int(last) + HOUR))

    # Losing all data and a clock that was set back, both at once, is what fencing does not survive: one after the other.
    happenings = [nothing, valkey_server.flush, crash, nothing, valkey_server.flush, restart]
    afterwards = [set_back, nothing, crash]
    first, second = await holders("redis", valkey_url, 2)
    resource = Resource()
    for number in range(trials):
        among = happenings if number < trials * 0.75 else afterwards
        await trial(first, second, resource, 0.05, among[number % len(among)])
        first, second = second, first


POSTGRES_TRIALS = [8, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]


@pytest.mark.parametrize("trials", POSTGRES_TRIALS)
async def test_on_postgres_no_stale_write_is_accepted(holders, postgres_server, postgres_url, trials):
    settings = DatabaseSettings(url=postgres_url, acquire_timeout=20)
    async with Database(settings, schema=PostgresLock.schema_steps[0].postgresql) as database:
        first, second = await holders("postgres", postgres_url, 2)
        resource = Resource()
        for number in range(trials):
            if number % 4 == 3:
                async with database.transaction() as session:
                    await session.execute("update hardy_fence set token = token + :hour", hour=HOUR)
            await trial(first, second, resource, 0.1, nothing)
            first, second = second, first
