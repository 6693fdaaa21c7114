"""A process in which many want the same missing key at once: ``URL READERS PROCESSES``.

First with a lock that it shares with other processes, then without; prints how many found the value.
"""

import asyncio
import sys

from hardy.adapters.redis import Redis, RedisCache, RedisLock, RedisSettings
from hardy.cache import Freshness, Keyspace


async def main(url, readers, processes):
    async with Redis(RedisSettings(url=url, timeout=30)) as redis:
        cache, lock = RedisCache(redis, timeout=30), RedisLock(redis)

        async def load_in_turn():
            await redis.execute("INCR", "loads in turn")
            await asyncio.sleep(0.1)
            return 7

        async def load_alone():
            await redis.execute("INCR", "loads alone")
            while int(await redis.execute("GET", "loads alone")) < int(processes):  # all at the same time
                await asyncio.sleep(0.005)
            return 7

        fresh = Freshness(ttl=600, load_timeout=50, lock_timeout=30)
        in_turn = Keyspace(cache, "in turn", int, ttl=fresh, lock=lock)
        async with in_turn, Keyspace(cache, "alone", int, ttl=fresh) as alone:
            print("ready", flush=True)
            for prices, load in ((in_turn, load_in_turn), (alone, load_alone)):
                await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
                found = await asyncio.gather(*(prices.get_or_load("tea", load) for _ in range(int(readers))))
                print(sum(each == 7 for each in found), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
