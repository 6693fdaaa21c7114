"""News of changed keys reach the other replicas, and what was missed is admitted."""

from contextlib import AsyncExitStack

import pytest

from hardy.adapters.redis import Redis, RedisCache, RedisInvalidations, RedisSettings
from hardy.cache import TwoLevelCache


@pytest.fixture
async def replica(valkey_url):
    """Open one more replica's cache in two levels."""
    async with AsyncExitStack() as stack:

        async def open_one():
            redis = await stack.enter_async_context(Redis(RedisSettings(url=valkey_url, timeout=20)))
            two = TwoLevelCache(RedisCache(redis, timeout=20), RedisInvalidations(redis), stay=600)
            return redis, await stack.enter_async_context(two)

        yield open_one


async def value_of(cache, key):
    entry = (await cache.get_many([key]))[0]
    return entry and entry.value


async def test_what_one_replica_changes_the_other_drops(replica, until):
    (_, one), (_, two) = await replica(), await replica()
    await until(lambda: one.statistics().cleared and two.statistics().cleared)
    await one.set_many({"tea": b"green"}, 600)
    assert await value_of(two, "tea") == b"green"
    assert await value_of(two, "tea") == b"green"
    assert two.statistics().near == 1
    heard = two.statistics().invalidated
    await one.set_many({"tea": b"black"}, 600)
    await until(lambda: two.statistics().invalidated > heard)
    assert await value_of(two, "tea") == b"black"
    await one.delete_many(["tea"])
    await until(lambda: two.statistics().invalidated > heard + 1)
    assert await value_of(two, "tea") is None


async def test_who_was_cut_off_drops_everything(replica, until):
    (one_redis, one), (two_redis, two) = await replica(), await replica()
    await until(lambda: one.statistics().cleared and two.statistics().cleared)
    await one.set_many({"tea": b"green"}, 600)
    assert await value_of(two, "tea") == b"green"
    await one_redis.execute("CLIENT", "KILL", "ID", await two_redis.execute("CLIENT", "ID"))
    await until(lambda: two.statistics().cleared == 3)
    near = two.statistics().near
    assert await value_of(two, "tea") == b"green"
    assert two.statistics().near == near


async def test_news_in_a_foreign_tongue_may_have_meant_anything(replica, until):
    redis, cache = await replica()
    await until(lambda: cache.statistics().cleared == 1)
    await redis.execute("PUBLISH", "hardy:changed", b"\xff\xff")
    await until(lambda: cache.statistics().cleared == 2)


@pytest.mark.parametrize("keys", [[], ["a"], ["käse/☕", "line\r\nbreak", ""]], ids=["none", "one", "odd"])
async def test_keys_arrive_as_they_were_said(valkey_url, until, keys):
    heard = []
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as redis:
        news = RedisInvalidations(redis)
        async with news.listen(heard.append):
            await until(lambda: heard == [None])
            await news.publish(keys)
            await until(lambda: len(heard) == 2)
        await news.publish(["unheard"])
    assert heard == [None, keys]
