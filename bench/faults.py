"""What an outage costs those who call meanwhile: cached reads without their store, SQL without its database.

Run: ``python bench/faults.py``. Real servers behind a proxy that breaks; a minute, loopback only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hardy.adapters.redis import Redis, RedisCache, RedisSettings
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.cache import Keyspace
from hardy.core import Unavailable
from hardy.testing import FaultProxy, PostgresServer, ValkeyServer

READERS, KEYS, LOAD = 8, 50, 0.002
SECONDS = 4.0
ACQUIRE = 1.0


@dataclass
class Seen:
    """What callers have seen since the last look."""

    took: list[float] = field(default_factory=list)
    wrong: int = 0
    last_wrong: float = 0.0

    def p99(self) -> float:
        """Return the 99th percentile in milliseconds."""
        return sorted(self.took)[int(len(self.took) * 0.99)] * 1000

    def forget(self) -> None:
        """Begin anew."""
        self.took.clear()
        self.wrong = 0


async def keep_on(one: Callable[[int], Awaitable[object]], seen: Seen, number: int) -> None:
    """Call again and again."""
    while True:
        began = time.perf_counter()
        try:
            await one(number)
        except Unavailable:
            seen.wrong += 1
            seen.last_wrong = time.perf_counter()
        seen.took.append(time.perf_counter() - began)
        number += READERS
        await asyncio.sleep(0.001)


async def cached_reads() -> None:
    """Print the added p99 and the recovery for each way in which the store goes away."""
    with ValkeyServer() as server:
        async with FaultProxy.to(server.url) as proxy:
            redis = Redis(RedisSettings(url=proxy.url_for(server.url)))
            async with redis, RedisCache(redis) as cache, Keyspace(cache, "prices", int, ttl=600) as prices:
                seen = Seen()

                async def read(number: int) -> None:
                    async def load() -> int:
                        await asyncio.sleep(LOAD)
                        return number % KEYS

                    await prices.get_or_load(str(number % KEYS), load)

                tasks = [asyncio.create_task(keep_on(read, seen, number)) for number in range(READERS)]
                print("cached reads      p99 before   p99 meanwhile   added to a load   errors   hits again after")
                for name in ("down", "slow", "reset", "half_open"):
                    await asyncio.sleep(1.0)
                    seen.forget()
                    await asyncio.sleep(1.5)
                    before = seen.p99()
                    await (proxy.slow(5) if name == "slow" else getattr(proxy, name)())
                    seen.forget()
                    await asyncio.sleep(SECONDS)
                    meanwhile, wrong = seen.p99(), seen.wrong
                    await proxy.up()
                    began, hits = time.perf_counter(), prices.statistics().hits
                    while prices.statistics().hits <= hits + KEYS:
                        await asyncio.sleep(0.01)
                    back = time.perf_counter() - began
                    added = meanwhile - LOAD * 1000
                    print(
                        f"  {name:<14} {before:8.1f} ms {meanwhile:11.1f} ms {added:13.1f} ms {wrong:8} {back:12.2f} s"
                        f"   bars 25 ms, 0, 2 s: {'kept' if added <= 25 and not wrong and back <= 2 else 'MISSED'}"
                    )
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def database_lost() -> None:
    """Print how long callers wait without a database, and how long it takes until all are answered again."""
    with PostgresServer() as server:
        async with FaultProxy.to(server.url) as proxy:
            settings = DatabaseSettings(
                url=proxy.url_for(server.url), connections=10, acquire_timeout=ACQUIRE, migrate="ignore"
            )
            async with Database(settings) as database:
                seen = Seen()

                async def read(number: int) -> None:
                    async with database.transaction() as session:
                        await session.first(int, "select :number::bigint", number=number)

                tasks = [asyncio.create_task(keep_on(read, seen, number)) for number in range(100)]
                print(f"SQL, 100 callers, pool of 10, acquire timeout {ACQUIRE:g} s")
                for name in ("down", "reset"):
                    await asyncio.sleep(1.0)
                    await getattr(proxy, name)()
                    seen.forget()
                    await asyncio.sleep(SECONDS)
                    worst, refused = max(seen.took), seen.wrong
                    await proxy.up()
                    began = time.perf_counter()
                    seen.forget()
                    await asyncio.sleep(2.0)
                    normal = max(0.0, seen.last_wrong - began)
                    numbers = database.statistics()
                    kept = worst <= ACQUIRE + 0.25 and normal <= 1
                    print(
                        f"  {name:<14} 503 after at most {worst:.2f} s ({refused} of them), normal {normal:.2f} s after"
                        f" its return, {numbers.connections} connections   bars {ACQUIRE:g} s, 1 s:"
                        f" {'kept' if kept else 'MISSED'}"
                    )
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    """Measure both."""
    await cached_reads()
    await database_lost()


if __name__ == "__main__":
    asyncio.run(main())
