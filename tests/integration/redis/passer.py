"""A process that passes one limit as often as it may: ``URL COUNT PER BURST SECONDS``; prints how often it did."""

import asyncio
import sys
from time import monotonic

from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings
from hardy.resilience import Rate


async def main(url, count, per, burst, seconds):
    rate = Rate(int(count), per=float(per), burst=int(burst))
    async with Redis(RedisSettings(url=url, timeout=30)) as redis:
        limiter = RedisLimiter(redis, timeout=30)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        end = monotonic() + float(seconds)
        passed = refused = 0

        async def push():
            nonlocal passed, refused
            while monotonic() < end:
                if (await limiter.admit("everybody", rate)).allowed:
                    passed += 1
                else:
                    refused += 1

        await asyncio.gather(*(push() for _ in range(8)))
        print(passed, refused, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
