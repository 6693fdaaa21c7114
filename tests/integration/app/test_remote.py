"""A port fulfilled by another service: same calls, same errors, same deadline."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Protocol

import pytest

from hardy import App, Call, DeadlineExceeded, FailedPrecondition, Settings, Unavailable, public, remote
from hardy.app import Assembly, Listen, Service
from hardy.testing import client
from hardy.transport import grpc, http


class SoldOut(FailedPrecondition):
    """None left."""


class Prices(Protocol):
    """What the near service needs."""

    async def price_of(self, sku: str) -> int: ...

    async def left(self) -> float: ...

    async def id(self) -> str: ...

    def ticks(self, count: int) -> AsyncIterator[int]: ...


async def price_of(sku: str) -> int:
    if sku == "none":
        raise SoldOut("none left", sku=sku, shelf=7)
    return len(sku)


async def left(*, call: Call) -> float:
    return call.deadline.remaining()


async def id(*, call: Call) -> str:  # noqa: A001  # the rpc is called so
    return call.id


async def ticks(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


rpc = grpc.service("prices.v1.Prices")
ROUTES = {
    "price_of": http.get("/prices/{sku}"),
    "left": http.get("/left"),
    "id": http.get("/id"),
    "ticks": http.get("/ticks"),
}


@asynccontextmanager
async def prices_service():
    app = App("prices", Settings(environment="test"))
    app.expose(price_of, ROUTES["price_of"], rpc("PriceOf"), allow=public, raises=[SoldOut])
    app.expose(left, ROUTES["left"], rpc("Left"), allow=public)
    app.expose(id, ROUTES["id"], rpc("Id"), allow=public)
    app.expose(ticks, ROUTES["ticks"], rpc("Ticks"), allow=public)
    async with Service(Assembly(app), http=Listen(), grpc=Listen()) as service:
        yield service


@pytest.fixture(params=["http", "grpc"])
async def prices(request):
    async with prices_service() as service:
        if request.param == "http":
            yield remote(Prices, http.remote(ROUTES), at=f"http://{service.http.addresses[0]}", raises=[SoldOut])
        else:
            yield remote(Prices, rpc, at=service.grpc.target, raises=[SoldOut])


async def buy(sku: str, *, prices: Prices) -> int:
    return await prices.price_of(sku)


async def time_there(*, prices: Prices, call: Call) -> tuple[float, float]:
    return await prices.left(), call.deadline.remaining()


async def same_id(*, prices: Prices, call: Call) -> bool:
    return await prices.id() == call.id


async def count_there(count: int, *, prices: Prices) -> list[int]:
    async with aclosing(prices.ticks(count)) as numbers:
        return [number async for number in numbers]


def shop(prices) -> App:
    app = App("shop", Settings(environment="test"))
    app.manage(prices)
    app.expose(buy, allow=public)
    app.expose(time_there, allow=public, timeout=2.0)
    app.expose(same_id, allow=public)
    app.expose(count_there, allow=public)
    return app


async def test_a_method_of_the_port_is_a_call_of_the_far_use_case(prices):
    async with client(shop(prices)) as caller:
        assert await caller.call(buy, "tea") == 3


async def test_what_the_far_use_case_raises_is_raised_here(prices):
    async with client(shop(prices)) as caller:
        with pytest.raises(SoldOut) as failed:
            await caller.call(buy, "none")

    assert (failed.value.message, failed.value.details) == ("none left", {"sku": "none", "shelf": 7})


async def test_the_far_call_has_no_more_time_than_the_near_one(prices):
    async with client(shop(prices)) as caller:
        there, here = await caller.call(time_there)

    assert 0 < there <= 2
    assert here <= 2


async def test_the_call_id_travels_along(prices):
    async with client(shop(prices)) as caller:
        assert await caller.call(same_id)


async def test_a_far_stream_is_iterated_here(prices):
    async with client(shop(prices)) as caller:
        assert await caller.call(count_there, 3) == [0, 1, 2]


async def test_a_service_that_is_not_there_is_unavailable():
    nowhere = remote(Prices, http.remote(ROUTES), at="http://127.0.0.1:9")
    async with client(shop(nowhere)) as caller:
        with pytest.raises((Unavailable, DeadlineExceeded)):
            await caller.call(buy, "tea")


def test_a_method_without_a_route_is_told_at_build():
    routes = {name: route for name, route in ROUTES.items() if name != "left"}

    faults = shop(remote(Prices, http.remote(routes), at="http://127.0.0.1:9")).check()

    assert [(fault.code, fault.title) for fault in faults] == [
        ("H0661", "`Prices.left` is called over HTTP by no route")
    ]
