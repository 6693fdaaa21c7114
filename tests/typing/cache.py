"""What a type checker must see of caches and of what is done once for many. Checked, never run."""

from collections.abc import Callable, Coroutine
from typing import assert_type

from hardy.cache import Cache, Freshness, Held, Keyspace, Lock, MemoryCache, MemoryLock, cached
from hardy.concurrency import SingleFlight, single_flight
from hardy.resilience import Breaker, failure_ratio


class Prices:
    """A repository."""

    async def get(self, sku: str, *, currency: str = "eur") -> int | None:
        """Look a price up."""
        raise NotImplementedError


def by_sku(sku: str, *, currency: str = "eur") -> str:
    """Leave the currency out."""
    return sku


async def functions(cache: Cache, prices: Prices) -> None:
    """A cached function is called as before."""
    get = cached(cache, ttl=60, key=by_sku)(prices.get)
    assert_type(await get("tea", currency="usd"), int | None)
    await get.forget("tea")
    fresh = Freshness(ttl=60, nothing=5)

    @cached(cache, ttl=fresh)
    async def stock(shelf: int) -> list[str]:
        return [str(shelf)]

    assert_type(await stock(3), list[str])


async def keyspaces(load: Callable[[], Coroutine[object, None, int]]) -> None:
    """A keyspace gives what it was made for."""
    numbers = Keyspace(MemoryCache(), "numbers", int, ttl=60, lock=MemoryLock())
    assert_type(numbers, Keyspace[int])
    assert_type(await numbers.get_or_load("one", load), int)
    assert_type(await numbers.find_or_load("one", load), int | None)


async def locks(lock: Lock) -> None:
    """What is held has a token."""
    async with lock.hold("invoices", ttl=10) as held:
        assert_type(held, Held)
        assert_type(held.token, int)


async def once_for_many(prices: Prices) -> None:
    """Sharing and refusing change no type."""
    flights = SingleFlight[str, int | None]()
    assert_type(await flights.run("tea", lambda: prices.get("tea")), int | None)
    assert_type(await single_flight(prices.get)("tea"), int | None)
    breaker = Breaker("prices", trip=failure_ratio(0.5))
    assert_type(await breaker.call(lambda: prices.get("tea")), int | None)
