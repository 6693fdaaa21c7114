"""Functions and methods that remember what they returned."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from hardy.cache import Freshness, MemoryCache, cached
from hardy.core import BuildFailed


@dataclass
class Price:
    sku: str
    amount: int


class SqlPrices:
    def __init__(self):
        self.asked = []

    async def get(self, sku: str, *, currency: str = "eur") -> Price | None:
        self.asked.append((sku, currency))
        return Price(sku, len(self.asked)) if sku != "missing" else None


@pytest.fixture
def prices():
    return SqlPrices()


@pytest.fixture
def cache():
    return MemoryCache()


async def test_a_method_is_called_once_for_the_same_arguments(cache, prices):
    get = cached(cache, ttl=60)(prices.get)
    assert await get("tea") == await get("tea") == await get("tea", currency="eur") == Price("tea", 1)
    assert await get("tea", currency="usd") == Price("tea", 2)
    assert prices.asked == [("tea", "eur"), ("tea", "usd")]
    assert get.__name__ == "get"
    assert get.keyspace.name == "SqlPrices.get"


async def test_nothing_is_remembered_where_it_is_asked_for(cache, prices):
    forgetful = cached(cache, ttl=60, name="a")(prices.get)
    mindful = cached(cache, ttl=Freshness(ttl=60, nothing=5), name="b")(prices.get)
    assert [await forgetful("missing"), await forgetful("missing")] == [None, None]
    assert [await mindful("missing"), await mindful("missing")] == [None, None]
    assert len(prices.asked) == 3


async def test_what_is_forgotten_is_asked_for_again(cache, prices):
    get = cached(cache, ttl=60, tags=lambda sku, **_: [f"sku:{sku}"])(prices.get)
    await get("tea")
    await get("oil")
    await get.forget("tea")
    await get("tea")
    await get("oil")
    assert len(prices.asked) == 3
    await get.keyspace.forget_tags("sku:oil")
    await get("tea")
    await get("oil")
    assert len(prices.asked) == 4


async def test_the_key_may_be_said(cache, prices):
    get = cached(cache, ttl=60, key=lambda sku, **_: sku)(prices.get)
    await get("tea")
    await get("tea", currency="usd")
    assert len(prices.asked) == 1


async def test_any_message_is_an_argument(cache):
    calls = []

    async def find(id: UUID, price: Price) -> list[Price]:
        calls.append(id)
        return [price]

    remembered = cached(cache, ttl=60)(find)
    for _ in range(2):
        assert await remembered(UUID(int=1), Price("tea", 1)) == [Price("tea", 1)]
    await remembered(UUID(int=1), Price("tea", 2))
    assert len(calls) == 2


async def test_two_caches_know_nothing_of_each_other(prices):
    one, other = (cached(MemoryCache(), ttl=60)(prices.get) for _ in range(2))
    await one("tea")
    await other("tea")
    assert len(prices.asked) == 2


async def silent(sku: str):
    return sku


def sync(sku: str) -> str:
    return sku


class Callable:
    async def __call__(self, sku: str) -> str:
        return sku


@pytest.mark.parametrize("function", [silent, sync, Callable()], ids=["no return type", "sync", "an object"])
def test_what_does_not_say_its_type_is_refused(cache, function):
    with pytest.raises(BuildFailed) as refused:
        cached(cache, ttl=60)(function)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "H0710"


def test_a_type_that_cannot_travel_is_refused(cache):
    async def impossible() -> complex: ...

    with pytest.raises(BuildFailed):
        cached(cache, ttl=60)(impossible)
