"""What a cache read costs its caller in CPU, beside redis-py: ``python bench/redis_client.py``.

A Valkey of its own on loopback, 64 callers in one process, each asking again
as soon as it has its answer. The figure is microseconds of this process's CPU for each
command, so that a busy machine and the server's own work do not count. Contenders
alternate within a round; the medians of the rounds are compared. The bar of `RedisCache` is 40.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop
from redis.asyncio import Redis as RedisPy
from redis.maint_notifications import MaintNotificationsConfig

from hardy.adapters.redis import Redis, RedisCache, RedisLimiter, RedisLock, RedisSettings
from hardy.resilience import Rate
from hardy.testing import ValkeyServer

CALLERS, COMMANDS, ROUNDS = 64, 12_800, 5
VALUE = b"x" * 200
Ask = Callable[[], Awaitable[object]]


async def cost(ask: Ask, commands: int = COMMANDS) -> float:
    """Return the microseconds of CPU that one of *commands* costs."""

    async def caller() -> None:
        for _ in range(commands // CALLERS):
            await ask()

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return (time.process_time() - began) / commands * 1e6


async def batches(client: RedisPy) -> Ask:
    """Return the thinnest layer over redis-py's pipeline that puts what one tick asks for together."""
    loop, waiting = asyncio.get_running_loop(), list[asyncio.Future[object]]()
    running = set[asyncio.Task[None]]()

    async def flush() -> None:
        batch = waiting.copy()
        waiting.clear()
        pipeline = client.pipeline(transaction=False)
        for _ in batch:
            pipeline.get("tea")
        for reply, value in zip(batch, await pipeline.execute(), strict=True):
            reply.set_result(value)

    def start() -> None:
        task = loop.create_task(flush())
        running.add(task)
        task.add_done_callback(running.discard)

    def ask() -> Awaitable[object]:
        reply = loop.create_future()
        if not waiting:
            loop.call_soon(start)
        waiting.append(reply)
        return reply

    return ask


async def measure(url: str) -> dict[str, list[float]]:
    """Return microseconds of CPU for each contender, round by round."""
    config = MaintNotificationsConfig(enabled=False)
    settings = RedisSettings(url=url, timeout=30)
    async with (
        RedisPy.from_url(url, maint_notifications_config=config) as py,
        Redis(settings) as redis,
        RedisCache(redis, budget=30, timeout=30) as cache,
    ):
        raw, limiter, lock = RedisCache(redis, timeout=30), RedisLimiter(redis, timeout=30), RedisLock(redis)
        await py.set("tea", VALUE)
        await cache.set_many({"cup": VALUE}, 3600)
        rate = Rate(1_000_000, per=1)
        contenders: dict[str, Ask] = {
            "redis-py: GET, one by one": lambda: py.get("tea"),
            "redis-py: GET, a pipeline per tick": await batches(py),
            "hardy: Redis.execute GET": lambda: redis.execute("GET", "tea"),
            "hardy: RedisCache.get_many, unguarded": lambda: raw.get_many(("cup",)),
            "hardy: RedisCache.get_many": lambda: cache.get_many(("cup",)),
            "hardy: RedisLimiter.admit": lambda: limiter.admit("ann", rate),
            "hardy: RedisLock.extend": lambda: lock.extend("tea", 1, ttl=1),
        }
        found: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(ROUNDS + 1):
            for name, ask in contenders.items():
                spent = await cost(ask)
                if number:  # the first round warms up
                    found[name].append(spent)
    return found


def medians(found: dict[str, list[float]]) -> dict[str, float]:
    """Return what counts."""
    return {name: statistics.median(each) for name, each in found.items()}


def main() -> bool:
    """Print the table; return whether the bar is kept."""
    with ValkeyServer() as server:
        found = uvloop.run(measure(server.url))
    print(f"{'microseconds of client CPU per command':45}{'median':>8}{'lowest':>8}{'highest':>9}")
    for name, median in medians(found).items():
        print(f"{name:45}{median:8.1f}{min(found[name]):8.1f}{max(found[name]):9.1f}")
    return medians(found)["hardy: RedisCache.get_many"] <= 40


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
