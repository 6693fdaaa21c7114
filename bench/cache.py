"""What the cache costs in this process: CPU per operation, beside a plain dict, in one table.

``python bench/cache.py``. Time is `time.process_time`, the best of several rounds, because a shared machine only
ever adds. The limit of a hit in memory is 1 microsecond; the program fails when it is exceeded.
"""

import asyncio
import sys
import time
from dataclasses import dataclass

from hardy.cache import Freshness, GuardedCache, Keyspace, MemoryCache, MemoryInvalidations, TwoLevelCache, cached
from hardy.concurrency import SingleFlight
from hardy.resilience import Breaker

ROUNDS, OPERATIONS = 7, 50_000
LIMIT = 1.0
"""Microseconds for a hit of `MemoryCache`."""


@dataclass
class Price:
    sku: str
    amount: float
    currency: str
    in_stock: bool


PRICE = Price("ABC-12345", 19.99, "eur", in_stock=True)


async def load() -> Price:
    return PRICE


async def cost(operation) -> float:
    """Return the microseconds of CPU that one call takes, the loop around it taken off."""

    async def nothing(key):
        return None

    async def one_round(call):
        began = time.process_time()
        for _ in range(OPERATIONS):
            await call("k")
        return (time.process_time() - began) / OPERATIONS * 1e6

    best = min([await one_round(operation) for _ in range(ROUNDS)])
    return best - min([await one_round(nothing) for _ in range(ROUNDS)])


async def measure() -> dict[str, float]:
    """Return microseconds of CPU for each operation."""
    plain = {"k": b"1"}
    memory = MemoryCache()
    await memory.set_many({"k": b"1"}, 3600)
    guarded = GuardedCache(memory, Breaker("cache"))
    fresh = Freshness(ttl=3600)
    numbers = Keyspace(memory, "numbers", int, ttl=fresh)
    prices = Keyspace(memory, "prices", Price, ttl=fresh)
    function = cached(memory, ttl=fresh, key=lambda key: key)(get_price)
    flights = SingleFlight()

    async def from_dict(key):
        return plain.get(key)

    async def one():
        return 1

    async def from_memory(key):
        return await memory.get_many((key,))

    async with TwoLevelCache(MemoryCache(), MemoryInvalidations()) as levels:
        await levels.set_many({"k": b"1"}, 3600)
        table = {
            "a dict behind an async function": from_dict,
            "MemoryCache, without waiting (look_up)": look_up(memory),
            "MemoryCache.get_many, hit": lambda key: memory.get_many((key,)),
            "TwoLevelCache.get_many, near hit": lambda key: levels.get_many((key,)),
            "GuardedCache over memory, hit": lambda key: guarded.get_many((key,)),
            "Keyspace of int, hit in memory": lambda key: numbers.get_or_load(key, one),
            "Keyspace of a dataclass, hit in memory": lambda key: prices.get_or_load(key, load),
            "cached function, hit in memory": function,
            "SingleFlight.run, nobody else": lambda key: flights.run(key, one),
        }
        return {name: await cost(operation) for name, operation in table.items()}


def main() -> int:
    """Print the table; return whether the bar is missed."""
    took = asyncio.run(measure())
    for name, microseconds in took.items():
        print(f"{name:<42}{microseconds:8.2f} us")
    hit = took["MemoryCache.get_many, hit"]
    print(f"\na hit in memory takes {hit:.2f} us of CPU; at most {LIMIT:g} are allowed")
    return 0 if hit <= LIMIT else 1


async def get_price(key: str) -> Price:
    return PRICE


def look_up(memory):
    async def found(key):
        return memory.look_up(key)

    return found


if __name__ == "__main__":
    sys.exit(main())
