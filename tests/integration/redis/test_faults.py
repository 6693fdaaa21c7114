"""The server goes away in each way that servers do; who reads through the cache notices nothing but a miss."""

import asyncio

import pytest

from hardy.adapters.redis import Redis, RedisCache, RedisSettings
from hardy.cache import Keyspace
from hardy.resilience import Breaker

READERS, KEYS = 32, 50
FAULTS = {
    "down": lambda proxy: proxy.down(),
    "slow": lambda proxy: proxy.slow(5),
    "reset": lambda proxy: proxy.reset(),
    "half open": lambda proxy: proxy.half_open(),
}
SECONDS = [0.3, pytest.param(10, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]


class Asked(Breaker):
    """Counts how often the store was asked at all."""

    entered = 0

    async def __aenter__(self):
        await super().__aenter__()
        self.entered += 1
        return self


@pytest.fixture
def breaker():
    return Asked("cache", open_for=0.1)


@pytest.fixture
async def proxy(valkey_url, fault_proxy):
    return await fault_proxy(valkey_url)


@pytest.fixture
async def prices(valkey_url, proxy, breaker):
    settings = RedisSettings(url=proxy.url_for(valkey_url), timeout=0.3, connect_timeout=0.3)
    async with Redis(settings) as redis, RedisCache(redis, breaker=breaker, budget=0.05) as cache:
        async with Keyspace(cache, "prices", int, ttl=600) as keyspace:
            yield keyspace


class Load:
    """Readers that never stop; each remembers nothing but what went wrong."""

    def __init__(self, prices):
        self.prices = prices
        self.reads, self.wrong = 0, []
        self.ended = False

    async def read(self, number):
        while not self.ended:
            key = (self.reads + number) % KEYS

            async def load(key=key):
                await asyncio.sleep(0.002)
                return key

            try:
                found = await self.prices.get_or_load(str(key), load)
            except Exception as error:
                self.wrong.append(error)
            else:
                if found != key:
                    self.wrong.append((key, found))
            self.reads += 1
            await asyncio.sleep(0)

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(self.read(number)) for number in range(READERS)]
        return self

    async def __aexit__(self, *exc):
        self.ended = True
        await asyncio.gather(*self.tasks)


async def recovered(prices, until):
    """Wait until the cache hits again; nothing but reads brings it back."""
    hits = prices.statistics().hits
    await until(lambda: prices.statistics().hits > hits + KEYS)


@pytest.fixture
def until():
    async def until(condition):
        async with asyncio.timeout(40):
            while not condition():
                await asyncio.sleep(0.005)

    return until


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_reads_go_on_while_the_server_is_away(proxy, prices, breaker, until, fault, seconds):
    async with Load(prices) as load:
        await until(lambda: prices.statistics().hits > KEYS)
        opened, loop = breaker.statistics().opened, asyncio.get_running_loop()
        await FAULTS[fault](proxy)
        await until(lambda: breaker.statistics().opened > opened)
        entered, reads, began = breaker.entered, load.reads, loop.time()
        await until(lambda: loop.time() > began + seconds and load.reads > reads + 10 * READERS)
        # What waits for the server is who was on the way when it went, and one trial for each time it opened.
        trials = breaker.statistics().opened - opened
        assert breaker.entered - entered <= 2 * READERS + trials
        await proxy.up()
        await recovered(prices, until)
        await until(lambda: breaker.state == "closed")
    assert load.wrong == []


async def test_a_server_that_comes_and_goes_is_taken_back_every_time(proxy, prices, breaker, until):
    async with Load(prices) as load:
        for _ in range(3):
            await until(lambda: prices.statistics().hits > KEYS)
            await proxy.down()
            misses = prices.statistics().misses
            await until(lambda: prices.statistics().misses > misses)  # noqa: B023
            await proxy.up()
            await recovered(prices, until)
    assert load.wrong == []


async def test_one_that_restarts_is_found_again(valkey_server, valkey_url, breaker, until):
    async with Redis(RedisSettings(url=valkey_url)) as redis, RedisCache(redis, breaker=breaker, budget=5) as cache:
        async with Keyspace(cache, "prices", int, ttl=600) as prices, Load(prices) as load:
            await until(lambda: prices.statistics().hits > KEYS)
            valkey_server.kill()
            await until(lambda: breaker.statistics().opened)
            valkey_server.start()
            await recovered(prices, until)
        assert load.wrong == []
        assert redis.statistics().connections >= 2
