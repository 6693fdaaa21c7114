"""One server in a service: what it brings is injected by its port."""

import pytest

from hardy import App, public
from hardy.adapters.redis import (
    Redis,
    RedisCache,
    RedisIdempotency,
    RedisInvalidations,
    RedisLimiter,
    RedisLock,
    RedisSettings,
)
from hardy.cache import Cache, Lock
from hardy.resilience import Limiter, Rate
from hardy.testing import client
from hardy.transport import http


async def show(sku: str, *, cache: Cache, lock: Lock, limiter: Limiter, redis: Redis) -> list[str | None]:
    try:
        async with lock.hold("show"):
            await redis.execute("SET", "shown", sku)
    except Exception as error:
        return [type(error).__name__]
    await cache.set_many({sku: b"green"}, 60)
    found = (await cache.get_many([sku]))[0]
    return [found and found.value.decode(), str((await limiter.admit("ann", Rate(5, per=60))).remaining)]


def shop(url):
    redis, app = Redis(RedisSettings(url=url, timeout=10)), App("shop")
    app.manage(redis)
    app.manage(RedisCache(redis, budget=10, timeout=10))
    app.manage(RedisLock(redis))
    app.manage(RedisLimiter(redis, timeout=10))
    app.manage(RedisIdempotency(redis))
    app.manage(RedisInvalidations(redis))
    app.expose(show, http.get("/shown/{sku}"), allow=public)
    return app


async def test_each_port_is_injected(valkey_url):
    async with client(shop(valkey_url)) as caller:
        assert await caller.call(show, "tea") == ["green", "4"]


async def test_a_service_starts_while_the_server_is_away():
    async with client(shop("redis://127.0.0.1:1")) as caller:
        assert await caller.call(show, "tea") == ["Unavailable"]


@pytest.mark.parametrize("part", [RedisCache, RedisLock, RedisLimiter, RedisIdempotency])
def test_replicas_can_share_it(part):
    assert not getattr(part, "process_local", False)
