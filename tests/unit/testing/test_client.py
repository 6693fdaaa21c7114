"""The typed client: the same answers and the same errors however its calls travel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

import pytest

from hardy.app import App
from hardy.auth import has_scope, public
from hardy.config import Settings
from hardy.core import (
    AlreadyExists,
    BuildFailed,
    Cancelled,
    InvalidMessage,
    NotFound,
    PermissionDenied,
    Principal,
    Unauthenticated,
)
from hardy.schema import Ge
from hardy.testing import TRANSPORTS, MemoryTokens, VirtualClock, client, stream_of
from hardy.transport import grpc, http


class OutOfStock(AlreadyExists): ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    sku: str
    quantity: Annotated[int, Ge(1)] = 1


async def place(msg: Place) -> Place:
    if msg.sku == "gone":
        raise OutOfStock("sold out", sku=msg.sku)
    return msg


async def add(first: int, second: int, third: int = 0) -> int:
    return first + second + third


async def ping() -> str:
    return "pong"


async def forget(sku: str) -> None:
    if sku == "missing":
        raise NotFound("no such order")


async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number
    if to == 3:
        raise NotFound("no more")


async def total(items: AsyncIterator[Place]) -> int:
    return sum([item.quantity async for item in items])


async def echo(items: AsyncIterator[Place]) -> AsyncIterator[Place]:
    async for item in items:
        yield item


async def guarded() -> str:
    return "secret"


@pytest.fixture
def app() -> App:
    app = App("shop", Settings(environment="test"))
    rpc = grpc.service("shop.v1.Shop")
    app.expose(place, http.post("/orders"), rpc("Place"), allow=public, raises=[OutOfStock])
    app.expose(add, http.get("/add"), rpc("Add"), allow=public)
    app.expose(ping, http.get("/ping"), rpc("Ping"), allow=public)
    app.expose(forget, http.delete("/orders/{sku}"), rpc("Forget"), allow=public)
    app.expose(count, http.get("/count"), rpc("Count"), allow=public)
    app.expose(total, http.post("/total"), rpc("Total"), allow=public)
    app.expose(echo, http.get("/echo"), rpc("Echo"), allow=public)
    app.expose(guarded, http.get("/guarded"), rpc("Guarded"), allow=has_scope("secrets"))
    return app


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_kind_of_operation_is_called_alike(app, transport):
    async with client(app, transport) as shop:
        assert await shop.call(ping) == "pong"
        assert await shop.call(add, 1, 2) == 3
        assert await shop.call(add, 1, 2, 3) == 6
        assert await shop.call(add, first=1, second=5) == 6
        assert await shop.call(place, Place(sku="tea")) == Place(sku="tea")
        assert await shop.call(place, sku="tea", quantity=2) == Place(sku="tea", quantity=2)
        assert await shop.call(forget, "tea") is None
        assert await shop.call(total, stream_of(Place(sku="a"), Place(sku="b", quantity=2))) == 3
        assert [item async for item in shop.stream(count, 2)] == [0, 1]
        assert [item async for item in shop.stream(count, to=1)] == [0]
        items = [Place(sku="a"), Place(sku="b")]
        assert [item async for item in shop.stream(echo, stream_of(*items))] == items


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_error_is_raised_as_itself(app, transport):
    async with client(app, transport) as shop:
        with pytest.raises(OutOfStock, match="sold out") as sold:
            await shop.call(place, Place(sku="gone"))
        assert sold.value.details == {"sku": "gone"}
        with pytest.raises(InvalidMessage) as wrong:
            await shop.call(place, Place(sku="tea", quantity=0))
        assert [fault.pointer for fault in wrong.value.faults] == ["/quantity"]
        with pytest.raises(NotFound):
            await shop.call(forget, "missing")
        got = []
        with pytest.raises(NotFound, match="no more"):
            async for item in shop.stream(count, 3):
                got.append(item)  # noqa: PERF401  # it raises in the end
        assert got == [0, 1, 2]
        with pytest.raises(Unauthenticated):
            await shop.call(guarded)
        with pytest.raises(PermissionDenied):
            await shop.as_(Principal("alice")).call(guarded)
        assert await shop.as_(Principal("bob", scopes=frozenset({"secrets"}))).call(guarded) == "secret"


async def test_an_item_that_breaks_the_rules_fails_a_direct_stream_too(app):
    async with client(app) as shop:
        with pytest.raises(InvalidMessage):
            await shop.call(total, stream_of(Place(sku="a", quantity=0)))


@pytest.mark.parametrize(
    ("use_case", "given", "words"),
    [
        pytest.param(add, (1, 2, 3, 4), "`add` takes 3 positional arguments, 4 were given", id="too many members"),
        pytest.param(
            place, (Place(sku="a"), 1), "`place` takes 1 positional arguments, 2 were given", id="two messages"
        ),
        pytest.param(total, (), "`total` takes 1 positional arguments, 0 were given", id="no stream"),
    ],
)
async def test_arguments_that_are_not_its_own_are_refused(app, use_case, given, words):
    async with client(app) as shop:
        with pytest.raises(TypeError, match=words):
            await shop.call(use_case, *given)


async def test_what_is_not_exposed_cannot_be_called(app):
    async def other() -> None: ...

    async with client(app) as shop:
        with pytest.raises(LookupError, match="`other` is not exposed by shop"):
            await shop.call(other)


@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_an_operation_without_a_binding_for_the_transport_says_so(transport):
    app = App("shop", Settings(environment="test"))
    app.expose(ping, allow=public)
    app.expose(guarded, http.get("/guarded"), grpc.service("a.v1.A")("Guarded"), allow=public)
    async with client(app, transport) as shop:
        with pytest.raises(LookupError, match=f"`ping` is not exposed over {transport}"):
            await shop.call(ping)
        assert await shop.call(guarded) == "secret"


async def test_a_service_without_grpc_has_no_grpc_client():
    app = App("shop", Settings(environment="test"))
    app.expose(ping, http.get("/ping"), allow=public)
    with pytest.raises(LookupError, match="shop exposes nothing over gRPC"):
        async with client(app, "grpc"):
            pass


async def test_a_service_that_is_wrong_has_no_client(app):
    app.expose(ping, http.get("/other"), allow=public)
    with pytest.raises(BuildFailed, match="H0660"):
        async with client(app):
            pass


async def test_uvicorn_that_cannot_start_the_service_says_why(app):
    class Broken:
        async def __aenter__(self):
            raise RuntimeError("on fire")

        async def __aexit__(self, *error): ...

    app.manage(Broken())
    with pytest.raises(RuntimeError, match="the service could not start: on fire"):
        async with client(app, "asgi"):
            pass


async def test_without_uvicorn_its_remedy_is_named(app, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(ModuleNotFoundError, match="Install it with: pip install uvicorn"):
        async with client(app, "asgi"):
            pass


async def test_a_middleware_s_own_reply_obeys_the_rules_as_well(app):
    async def replaced(call, proceed):
        await proceed(call)
        return {"a": object()} if call.operation.name == "ping" else 7

    app.use(replaced)
    async with client(app) as shop:
        assert await shop.call(add, 1, 2) == 7
        with pytest.raises(Exception):  # noqa: B017  # whatever kind: no transport could carry it
            await shop.call(ping)


async def test_the_error_a_stream_ends_with_is_not_lost_behind_a_slow_reader(app):
    async with client(app) as shop, aclosing(shop.stream(count, 3)) as items:
        assert [await anext(items) for _ in range(3)] == [0, 1, 2]
        await asyncio.sleep(0)
        with pytest.raises(NotFound):
            await anext(items)


async def test_a_direct_caller_that_leaves_ends_the_call_as_a_transport_does(app):
    seen = []

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            seen.append("closed")

    async def watching(call, proceed):
        try:
            return await proceed(call)
        finally:
            seen.append(type(call.cancelled))

    app.expose(endless, allow=public, use=[watching])
    async with client(app) as shop, aclosing(shop.stream(endless)) as items:
        await anext(items)
    assert seen == ["closed", Cancelled]


async def test_a_raw_operation_is_called_direct_with_its_own_request(app):
    async def hook(request: http.Request) -> http.Response:
        return http.Response(204)

    app.expose(hook, http.raw.post("/hook"), allow=public)
    async with client(app) as shop:
        assert (await shop.call(hook, None)).status == 204


def test_time_stands_still_until_it_is_turned():
    clock = VirtualClock()
    before = clock.now(), clock.monotonic()
    clock.jump(-3600)
    assert (before[0] - clock.now()).total_seconds() == 3600
    assert clock.monotonic() == 0
    clock.advance(1.5)
    assert clock.monotonic() == 1.5
    with pytest.raises(ValueError, match="time does not go back"):
        clock.advance(-1)


async def test_a_token_of_another_client_is_refused(app):
    async with client(app, caller=Principal("alice")) as shop:
        shop._metadata = {"authorization": MemoryTokens().mint(Principal("eve"))}
        with pytest.raises(Unauthenticated, match="minted by another client"):
            await shop.call(guarded)


def test_a_name_that_is_not_there_is_an_error():
    import hardy.testing

    with pytest.raises(AttributeError, match=r"module 'hardy\.testing' has no attribute 'Mock'"):
        hardy.testing.Mock
    assert dir(hardy.testing) == sorted(hardy.testing.__all__)
    assert hardy.testing.Client.__module__ == "hardy.testing"
    assert MemoryTokens().scheme() == {"type": "http", "scheme": "test"}
