"""The typed client against the real server: what was raised there is raised here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import pytest

from hardy.core import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidMessage,
    Malformed,
    NotFound,
    Operation,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unknown,
    current_call,
)
from hardy.schema import Ge
from hardy.transport import http


class Size(Enum):
    SMALL = "small"


@dataclass(frozen=True)
class Change:
    order_id: UUID
    version: int
    sizes: list[Size]
    shop: str
    lines: list[int]
    note: str | None = None
    since: datetime | None = None
    urgent: bool = False
    session: str = ""


@dataclass(frozen=True)
class Item:
    n: Annotated[int, Ge(0)]


class OutOfStock(FailedPrecondition): ...


@pytest.fixture
async def call(serve):
    """Serve one use case behind one route and call it there."""
    opened = []

    async def call(use_case, route, message, *, raises=(), **options):
        server = await serve((use_case, route))
        client = await http.HttpClient(str(server.base_url)).__aenter__()
        opened.append(client)
        operation = Operation.of(use_case).with_options(raises=raises)
        if operation.kind.streams_out:
            async with aclosing(client.stream(operation, route, message, **options)) as items:
                return [item async for item in items]
        return await client.call(operation, route, message, **options)

    yield call
    for client in opened:
        await client.__aexit__(None, None, None)


async def items(*numbers):
    for n in numbers:
        yield Item(n)


async def test_a_message_arrives_as_it_was_whatever_its_fields_travel_in(call):
    async def change(msg: Change) -> Change:
        return msg

    bind = {
        "version": http.header("If-Match"),
        "sizes": http.query("size"),
        "since": http.header("X-Since"),
        "session": http.cookie("session"),
        "urgent": http.query("urgent"),
    }
    message = Change(
        order_id=UUID(int=7),
        version=3,
        sizes=[Size.SMALL, Size.SMALL],
        shop="a/b ü",
        lines=[1, 2],
        since=datetime(2024, 1, 1, tzinfo=UTC),
        urgent=True,
        session="abc",
    )
    assert await call(change, http.put("/shops/{shop}/orders/{order_id}", bind=bind), message) == message


async def test_a_message_in_path_and_query_arrives_as_it_was(call):
    async def find(rest: str, limit: int = 3, q: str | None = None, tags: list[str] | None = None) -> list[str]:
        return [rest, str(limit), str(q), str(tags)]

    operation = Operation.of(find)
    route = http.get("/find/{rest:path}")
    assert await call(find, route, operation.message(rest="a b/c?d")) == ["a b/c?d", "3", "None", "None"]
    message = operation.message(rest="x", limit=0, q="", tags=["a&b", "c"])
    assert await call(find, route, message) == ["x", "0", "", "['a&b', 'c']"]


async def test_no_reply_is_none_and_a_reply_may_be_null(call):
    async def nothing(item: Item) -> None: ...

    async def maybe(item: Item) -> Item | None: ...

    assert await call(nothing, http.post("/"), Item(1)) is None
    assert await call(maybe, http.post("/"), Item(1)) is None


@pytest.mark.parametrize(
    "error",
    [
        OutOfStock("sold out", sku="tea"),
        NotFound("no such order"),
        AlreadyExists("there is one"),
        Aborted("again"),
        Unauthenticated("who"),
        Malformed("odd"),
        ResourceExhausted("slow down", retry_after=3),
        Unavailable("later", retry_after=1),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_services_error_comes_back_as_the_class_it_was(call, error):
    async def fail(item: Item) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        await call(fail, http.post("/"), Item(1), raises=[OutOfStock])
    assert type(raised.value) is type(error)
    assert (raised.value.message, raised.value.reason) == (error.message, error.reason)
    assert raised.value.details == error.details
    assert raised.value.retry_after == error.retry_after


async def test_an_unlisted_reason_arrives_as_the_class_of_its_code(call):
    async def fail(item: Item) -> None:
        raise OutOfStock("sold out")

    with pytest.raises(FailedPrecondition) as raised:
        await call(fail, http.post("/"), Item(1))
    assert type(raised.value) is FailedPrecondition
    assert raised.value.reason == "out_of_stock"


async def test_every_fault_comes_back(call):
    async def take(item: Item) -> None: ...

    with pytest.raises(InvalidMessage) as raised:
        await call(take, http.post("/"), Item(-1))
    assert [each.pointer for each in raised.value.faults] == ["/n"]


async def test_the_timeout_travels_and_is_kept_here_too(call):
    async def tell(item: Item) -> str:
        running = current_call()
        assert running is not None
        return f"{running.timeout} {running.metadata['x-a']}"

    async def hang(item: Item) -> None:
        await asyncio.Event().wait()

    assert await call(tell, http.post("/"), Item(1), timeout=2.5, headers={"x-a": "b"}) == "2.5 b"
    with pytest.raises(DeadlineExceeded):
        await call(hang, http.post("/"), Item(1), timeout=0.05)


async def test_a_stream_of_messages_goes_out_and_one_reply_comes_back(call):
    async def total(items: AsyncIterator[Item]) -> int:
        return sum([item.n async for item in items])

    assert await call(total, http.post("/"), items(1, 2, 3)) == 6
    with pytest.raises(InvalidMessage):
        await call(total, http.post("/"), items(1, -2, 3))


async def test_a_stream_of_replies_comes_and_its_error_at_its_place(call):
    async def count(to: int, fail_at: int = -1) -> AsyncIterator[Item]:
        for n in range(to):
            if n == fail_at:
                raise OutOfStock("sold out", n=n)
            yield Item(n)

    message = Operation.of(count).message
    assert await call(count, http.get("/"), message(to=3)) == [Item(0), Item(1), Item(2)]
    for at in (0, 2):
        with pytest.raises(OutOfStock) as raised:
            await call(count, http.get("/"), message(to=3, fail_at=at), raises=[OutOfStock])
        assert raised.value.details == {"n": at}


async def test_items_that_look_like_errors_are_items(call):
    async def odd() -> AsyncIterator[dict[str, str]]:
        yield {"error": "none"}

    assert await call(odd, http.get("/"), Operation.of(odd).message()) == [{"error": "none"}]


async def test_streams_go_both_ways(call):
    async def double(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        async for item in items:
            if item.n == 13:
                raise OutOfStock("sold out", n=13)
            yield Item(item.n * 2)

    assert await call(double, http.get("/"), items(1, 2)) == [Item(2), Item(4)]
    with pytest.raises(OutOfStock):
        await call(double, http.get("/"), items(1, 13), raises=[OutOfStock])
    with pytest.raises(InvalidMessage):
        await call(double, http.get("/"), items(-1))


async def test_a_refused_handshake_is_the_error_it_says(call):
    async def refuse(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        raise OutOfStock("sold out")
        yield Item(0)

    with pytest.raises(OutOfStock):
        await call(refuse, http.get("/"), items(), raises=[OutOfStock])


async def test_a_client_that_stops_listening_ends_the_stream_there(serve):
    ended = asyncio.Event()

    async def endless(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        try:
            async for item in items:
                yield item
            await asyncio.Event().wait()
        finally:
            ended.set()

    server = await serve((endless, http.get("/")))
    async with http.HttpClient(str(server.base_url)) as client:
        operation = Operation.of(endless)
        async with aclosing(client.stream(operation, http.get("/"), items(1))) as replies:
            assert await anext(replies) == Item(1)
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_service_that_is_not_there_is_unavailable(port_of_nobody):
    async def count(to: int) -> AsyncIterator[Item]:
        yield Item(to)

    async def take(item: Item) -> None: ...

    async def both(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        async for item in items:
            yield item

    async with http.HttpClient(f"http://127.0.0.1:{port_of_nobody}") as client:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.call(Operation.of(take), http.post("/"), Item(1))
        for use_case, message in ((count, Operation.of(count).message(to=1)), (both, items(1))):
            with pytest.raises(Unavailable):
                await anext(client.stream(Operation.of(use_case), http.get("/"), message))


async def test_an_answer_of_a_stranger_is_read_by_its_status(serve):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<h1>no</h1>"})

    async def take(item: Item) -> None: ...

    server = await serve(mounts=[http.Mount("/", app)])
    async with http.HttpClient(str(server.base_url)) as client:
        with pytest.raises(NotFound, match="Not Found"):
            await client.call(Operation.of(take), http.post("/"), Item(1))


async def test_a_reply_that_cannot_be_read_is_not_the_callers_fault(call):
    async def answers() -> Item:
        return {"n": -1}

    async def streams() -> AsyncIterator[Item]:
        yield {"n": -1}

    for use_case in (answers, streams):
        with pytest.raises(Unknown, match="the reply of GET /items cannot be read: n must be at least 0"):
            await call(use_case, http.get("/items"), Operation.of(use_case).message())


async def test_a_last_line_without_an_end_is_an_item_too():
    async def watch() -> AsyncIterator[Item]:
        yield Item(0)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ncontent-length: 15\r\n\r\n"
            b'{"n":1}\n{"n":2}'
        )
        writer.close()

    operation = Operation.of(watch)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as foreign:
        port = foreign.sockets[0].getsockname()[1]
        async with (
            http.HttpClient(f"http://127.0.0.1:{port}") as client,
            aclosing(client.stream(operation, http.get("/items"), operation.message())) as items,
        ):
            assert [item.n async for item in items] == [1, 2]


async def test_a_long_stream_that_is_refused_at_its_first_item_is_told_why(call):
    async def add(items: AsyncIterator[Item]) -> int:
        return sum([item.n async for item in items])

    closed = []

    async def endless():
        try:
            yield Item(-1)
            while True:
                yield Item(1)
        finally:
            closed.append("closed")

    with pytest.raises(InvalidMessage, match="n must be at least 0"):
        await call(add, http.post("/items"), endless())
    assert closed


async def test_a_stream_that_fails_at_the_caller_fails_there(call):
    async def add(items: AsyncIterator[Item]) -> int:
        return sum([item.n async for item in items])

    async def broken():
        yield Item(1)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await call(add, http.post("/items"), broken())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1", "without an answer"),
        (b"SSH-2.0\r\n", "broke off"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7", 7),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n4\r\n1\r\n2\r\n0\r\n\r\n", 42),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n7", 7),
    ],
    ids=["nothing", "half", "another protocol", "hints first", "chunks", "an old server"],
)
async def test_whatever_answers_a_stream_is_read_as_http_says(answer, outcome):
    async def add(items: AsyncIterator[Item]) -> int: ...

    async def reply(reader, writer):
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as foreign:
        url = f"http://127.0.0.1:{foreign.sockets[0].getsockname()[1]}"
        async with http.HttpClient(url) as client:
            asked = client.call(Operation.of(add), http.post("/items"), items(1))
            if isinstance(outcome, int):
                assert await asked == outcome
            else:
                with pytest.raises(Unavailable, match=outcome):
                    await asked
