"""A process that takes and gives back one lock, as it is told line by line; the test can stop it (SIGSTOP).

Started with ``redis URL`` or ``postgres URL``. A line is a verb and numbers, the answer is one line of JSON.
"""

import asyncio
import json
import sys

from hardy.adapters.redis import Redis, RedisLock, RedisSettings
from hardy.core import Unavailable


async def main(kind, url):
    if kind == "redis":
        async with Redis(RedisSettings(url=url, timeout=10)) as redis:
            await obey(RedisLock(redis))
        return
    from hardy.adapters.sql import DatabaseSettings
    from hardy.adapters.sql.lock import PostgresLock

    async with PostgresLock(DatabaseSettings(url=url, acquire_timeout=10)) as lock:
        await obey(lock)


async def obey(lock):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        verb, *numbers = json.loads(line)
        print(json.dumps(await persistent(lock, verb, *numbers)), flush=True)


async def persistent(lock, verb, *numbers):
    """Do it, again and again while the server is not there: the test says when it restarts."""
    async with asyncio.timeout(50):
        while True:
            try:
                match verb:
                    case "take":
                        return await lock.take("n", ttl=numbers[0], wait=numbers[1])
                    case "extend":
                        return await lock.extend("n", numbers[0], ttl=numbers[1])
                    case "release":
                        return await lock.release("n", numbers[0])
            except Unavailable:
                await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
