"""What is published reaches those who listen, and a gap is never silent."""

import asyncio

import pytest

from hardy.adapters.redis import Redis, RedisSettings


class Heard:
    def __init__(self, redis, channel="news"):
        self.messages, self.gaps = [], 0
        self.subscription = redis.subscribe(channel, self.messages.append, gap=self.gap)

    def gap(self):
        self.gaps += 1


@pytest.fixture
async def other(valkey_url):
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as redis:
        yield redis


async def test_messages_arrive_in_order_from_the_first_gap_on(redis, other, until):
    heard = Heard(redis)
    await until(lambda: heard.gaps == 1)
    for n in range(100):
        await other.execute("PUBLISH", "news", n)
    await until(lambda: len(heard.messages) == 100)
    assert heard.messages == [b"%d" % n for n in range(100)]


async def test_each_hears_its_own_channel_and_all_hear_the_same(redis, other, until):
    news, also, sport = Heard(redis), Heard(redis), Heard(redis, "sport")
    await until(lambda: news.gaps and also.gaps and sport.gaps)
    await other.execute_many([("PUBLISH", "sport", "2:1"), ("PUBLISH", "news", "rain")])
    await until(lambda: news.messages and also.messages and sport.messages)
    assert (news.messages, also.messages, sport.messages) == ([b"rain"], [b"rain"], [b"2:1"])


async def test_who_has_closed_hears_nothing_more(redis, other, until):
    stays, leaves = Heard(redis), Heard(redis)
    await until(lambda: stays.gaps and leaves.gaps)
    leaves.subscription.close()
    leaves.subscription.close()
    await other.execute("PUBLISH", "news", "rain")
    await until(lambda: stays.messages)
    stays.subscription.close()
    assert await redis.execute("PING") == b"PONG"
    assert await other.execute("PUBLISH", "news", "sun") == 0
    assert (stays.messages, leaves.messages) == ([b"rain"], [])


async def test_an_interruption_is_a_gap_at_its_beginning_and_at_its_end(redis, other, until):
    heard = Heard(redis)
    await until(lambda: heard.gaps == 1)
    number = await redis.execute("CLIENT", "ID")
    await other.execute("CLIENT", "KILL", "ID", number)
    await until(lambda: heard.gaps == 3)
    await other.execute("PUBLISH", "news", "rain")
    await until(lambda: heard.messages)


async def test_commands_and_messages_share_the_connection(redis, other, until):
    heard = Heard(redis)
    await until(lambda: heard.gaps == 1)

    async def talk():
        for n in range(200):
            await other.execute("PUBLISH", "news", n)

    talking = asyncio.ensure_future(talk())
    while not talking.done():
        assert await redis.execute("ECHO", "x") == b"x"
    await talking
    await until(lambda: len(heard.messages) == 200)


async def test_one_who_listens_before_there_is_a_server_hears_once_there_is(valkey_server, valkey_url, until):
    valkey_server.stop()
    async with Redis(RedisSettings(url=valkey_url)) as redis:
        heard = Heard(redis)
        valkey_server.start()
        await until(lambda: heard.gaps == 1)
        await redis.execute("PUBLISH", "news", "rain")
        await until(lambda: heard.messages == [b"rain"])
