"""A process that passes two limits as often as it may: ``URL SECONDS``; prints how often it did, and did not.

The first lets 200 through in a second, 50 at once; the second 100 in all.
"""

import asyncio
import sys
from time import monotonic

from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings
from hardy.resilience import Rate

RATES = {"flows": Rate(200, per=1, burst=50), "stands": Rate(100, per=10 * 86400)}


async def main(url, seconds):
    async with Redis(RedisSettings(url=url, timeout=30)) as redis:
        limiter = RedisLimiter(redis, timeout=30)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        end = monotonic() + float(seconds)
        counts = {(key, allowed): 0 for key in RATES for allowed in (True, False)}

        async def push(key):
            while monotonic() < end:
                admission = await limiter.admit(key, RATES[key])
                counts[key, admission.allowed] += 1

        await asyncio.gather(*(push(key) for key in RATES for _ in range(4)))
        print(*counts.values(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
