"""What a type checker must see of the public API. Checked by basedpyright and mypy, never run.

One function for each entry a user writes: what it is given, and by ``assert_type`` what it answers.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import NewType, Protocol, assert_type

from hardy import App, Principal, Settings, asgi, public, remote, run, signed_in
from hardy.core import Call, Code, Deadline, Diagnostic, Error, Handler, NotFound, current_call
from hardy.testing import Client, client, stream_of
from hardy.transport import http
from hardy.transport.command import command


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A message that is its reply, too."""

    sku: str


class Prices(Protocol):
    """A port."""

    async def price_of(self, sku: str) -> int:
        """Look a price up."""
        ...


Greeting = NewType("Greeting", str)


async def ping() -> str:
    """No argument."""
    return "pong"


async def place_order(msg: Order, *, prices: Prices, caller: Principal) -> Order:
    """One argument, and needs that are not the caller's business."""
    return msg


async def move(sku: str, place: int) -> bool:
    """Two arguments."""
    return True


async def add(first: int, second: int, third: float, *, prices: Prices) -> float:
    """Three arguments."""
    return first + second + third


async def forget(sku: str) -> None:
    """No reply."""


async def watch(since: int = 0) -> AsyncIterator[Order]:
    """A stream of replies."""
    yield Order(sku=str(since))


async def import_orders(orders: AsyncIterator[Order]) -> int:
    """A stream of messages."""
    return len([order async for order in orders])


async def track(orders: AsyncIterator[Order]) -> AsyncIterator[int]:
    """Both."""
    async for _ in orders:
        yield 1


def prices() -> Prices:
    """A provider."""
    raise NotImplementedError


async def session() -> AsyncIterator[Greeting]:
    """A provider that ends what it made."""
    yield Greeting("hello")


async def replies(shop: Client) -> None:
    """A client answers with what the use case returns."""
    assert_type(await shop.call(ping), str)
    assert_type(await shop.call(place_order, Order(sku="tea")), Order)
    assert_type(await shop.call(place_order, sku="tea"), Order)
    assert_type(await shop.call(move, "tea", 1), bool)
    assert_type(await shop.call(add, 1, 2, 3.0), float)
    assert_type(await shop.call(forget, "tea"), None)
    assert_type(await shop.call(import_orders, stream_of(Order(sku="tea"))), int)
    assert_type(shop.stream(watch, 1), AsyncGenerator[Order])
    assert_type(shop.stream(watch), AsyncGenerator[Order])
    assert_type(shop.stream(track, stream_of(Order(sku="tea"))), AsyncGenerator[int])
    assert_type(shop.as_(Principal("alice")).within(2.5), Client)


async def opened(app: App) -> None:
    """A client is opened on an app."""
    async with client(app, "grpc", caller=None) as shop:
        assert_type(shop, Client)


def the_verbs(app: App) -> None:
    """The verbs of an app take functions and give them back, or nothing."""
    assert_type(app.provide(prices), Callable[[], Prices])
    assert_type(app.provide(session, scope="app"), Callable[[], AsyncIterator[Greeting]])
    assert_type(app.use(the_waist), None)
    assert_type(app.manage(remote(Prices, http.remote({"price_of": http.get("/prices/{sku}")}), at="")), None)
    assert_type(
        app.expose(place_order, http.post("/orders"), command("place"), allow=signed_in, raises=[NotFound]), None
    )
    assert_type(app.expose(ping, allow=public, timeout=1, finish_on_disconnect=True), None)
    with app.override({Prices: prices()}) as nothing:
        assert_type(nothing, None)
    assert_type(app.check(), tuple[Diagnostic, ...])
    assert_type(app.describe(), dict[str, object])


def build(settings: Settings) -> App:
    """What a service is made by."""
    return App("shop", settings)


def the_programs() -> None:
    """The entries that serve."""
    assert_type(run(build), None)
    assert_type(asgi(build), http.AsgiApp)


async def the_waist(call: Call, proceed: Handler) -> object:
    """A middleware sees a call and hands it on; the reply is opaque to it."""
    assert_type(call.deadline, Deadline)
    assert_type(current_call(), Call | None)
    return assert_type(await proceed(call), object)


def errors() -> None:
    """An error carries its canonical code."""
    error = NotFound("no such order", order_id=7)
    assert_type(error.code, Code)
    caught: Error = error
    assert_type(caught.code, Code)
