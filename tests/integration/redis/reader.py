"""A process in which many want the same missing key at once: ``URL READERS PROCESSES lock|alone``."""

import asyncio
import sys

from hardy.adapters.redis import Redis, RedisCache, RedisLock, RedisSettings
from hardy.cache import Freshness, Keyspace, _load

_load.BUDGET = 30  # a machine so busy that the lock takes long to be had is another test's


async def main(url, readers, processes, way):
    async with Redis(RedisSettings(url=url, timeout=30)) as redis:
        cache, lock = RedisCache(redis, timeout=30), RedisLock(redis)

        async def load():
            await redis.execute("INCR", "loads")
            if way == "alone":  # all of them load at the same time
                while int(await redis.execute("GET", "loads")) < int(processes):
                    await asyncio.sleep(0.005)
            else:
                await asyncio.sleep(0.2)
            return 7

        fresh = Freshness(ttl=600, load_timeout=50)
        async with Keyspace(cache, "prices", int, ttl=fresh, lock=lock if way == "lock" else None) as prices:
            print("ready", flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            found = await asyncio.gather(*(prices.get_or_load("tea", load) for _ in range(int(readers))))
            print(sum(each == 7 for each in found), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
