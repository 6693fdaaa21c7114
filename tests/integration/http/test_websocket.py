"""Streams both ways over WebSocket, spoken by a foreign client."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hardy.core import FailedPrecondition, PermissionDenied
from hardy.schema import Ge
from hardy.transport import http


@dataclass(frozen=True)
class Item:
    n: Annotated[int, Ge(0)]


async def double(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    async for item in items:
        if item.n == 13:
            raise FailedPrecondition("unlucky", n=13)
        yield Item(item.n * 2)


async def refuse(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    raise PermissionDenied("not you")
    yield Item(0)


@pytest.fixture
async def url(serve):
    client = await serve((double, http.get("/double")), (refuse, http.get("/refuse")), origins=["https://shop.example"])
    return f"ws://{client.base_url.host}:{client.base_url.port}"


async def test_items_go_both_ways_and_an_empty_message_ends_the_clients_stream(url):
    async with connect(f"{url}/double") as socket:
        for n in (1, 2):
            await socket.send(json.dumps({"n": n}))
            assert json.loads(await socket.recv()) == {"n": 2 * n}
        await socket.send("")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1000


async def test_a_long_message_in_many_frames_is_one_item(url):
    async with connect(f"{url}/double") as socket:
        await socket.send(['{"n":', " " * 70_000, "4}"])
        assert json.loads(await socket.recv()) == {"n": 8}


@pytest.mark.parametrize(
    ("sent", "status"),
    [('{"n":13}', 409), ('{"n":-1}', 422), ("{", 400), (b'{"n":1}', 400)],
    ids=["domain", "invalid", "malformed", "binary"],
)
async def test_an_error_is_a_problem_message_and_close_1011(url, sent, status):
    async with connect(f"{url}/double") as socket:
        await socket.send(sent)
        problem = json.loads(await socket.recv())["error"]
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert problem["status"] == status
    assert socket.close_code == 1011


async def test_an_error_before_the_first_item_is_an_http_answer(url):
    with pytest.raises(InvalidStatus) as failure:
        await connect(f"{url}/refuse")
    assert failure.value.response.status_code == 403
    assert json.loads(failure.value.response.body)["detail"] == "not you"


async def test_an_item_over_the_limit_closes_with_1009(serve):
    client = await serve((double, http.get("/double")), bounds=http.Bounds(message=100))
    async with connect(f"ws://{client.base_url.netloc.decode()}/double") as socket:
        await socket.send("x" * 101)
        assert json.loads(await socket.recv())["error"]["status"] == 413
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1009


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://shop.example", 101), ("https://evil.example", 403), ("null", 403), ("same", 101)],
)
async def test_pages_of_other_origins_may_not_open_one(url, origin, status):
    given = url.replace("ws:", "http:") if origin == "same" else origin
    got = 101
    try:
        async with connect(f"{url}/double", origin=given):
            pass
    except InvalidStatus as failure:
        got = failure.response.status_code
    assert got == status


async def test_a_client_that_leaves_ends_the_use_case(serve):
    ended = asyncio.Event()

    async def endless(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        try:
            yield Item(1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    client = await serve((endless, http.get("/endless")))
    async with connect(f"ws://{client.base_url.netloc.decode()}/endless") as socket:
        await socket.recv()
    await asyncio.wait_for(ended.wait(), 5)


async def test_pings_are_answered_while_the_use_case_is_busy(serve):
    goes_on = asyncio.Event()

    async def busy(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        yield Item(1)
        await goes_on.wait()

    client = await serve((busy, http.get("/busy")))
    async with connect(f"ws://{client.base_url.netloc.decode()}/busy") as socket:
        await socket.recv()
        await asyncio.wait_for(await socket.ping(), 5)
        goes_on.set()


async def test_a_plain_request_is_told_that_the_path_speaks_websocket(serve):
    client = await serve((double, http.get("/double")))
    answer = await client.get("/double")
    assert (answer.status_code, answer.json()["reason"]) == (400, "websocket_required")


@pytest.mark.parametrize(
    "headers",
    [
        {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "8"},
        {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13"},
        {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13", "sec-websocket-key": "?"},
        {"upgrade": "websocket", "connection": "keep-alive", "sec-websocket-version": "13"},
    ],
    ids=["old", "no key", "odd key", "no upgrade"],
)
async def test_a_handshake_nobody_understands_is_a_400(serve, headers):
    client = await serve((double, http.get("/double")))
    assert (await client.get("/double", headers=headers)).status_code == 400


async def test_another_version_is_told_which_one_is_spoken(serve):
    client = await serve((double, http.get("/double")))
    headers = {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "99"}
    answer = await client.get("/double", headers=headers)
    assert (answer.status_code, answer.headers["sec-websocket-version"]) == (400, "13")


HANDSHAKE = (
    b"GET /%s HTTP/1.%d\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(opcode: int, data: bytes = b"", *, last: bool = True) -> bytes:
    """Return a frame as a client sends it, masked with nothing."""
    assert len(data) < 126
    return bytes([opcode | 0x80 * last, 0x80 | len(data), 0, 0, 0, 0]) + data


async def test_an_old_client_gets_no_websocket(serve):
    client = await serve((double, http.get("/double")))
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(HANDSHAKE % (b"double", 0))
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


@pytest.mark.parametrize("data", [b"", b" "], ids=["empty", "of one byte"])
async def test_a_message_in_too_many_frames_closes_with_1009(serve, data):
    client = await serve((double, http.get("/double")))
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(HANDSHAKE % (b"double", 1))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame(1, data, last=False) + frame(0, data, last=False) * 2000)
    raw = await asyncio.wait_for(reader.read(), 5)
    assert b"too many frames" in raw
    assert raw.endswith(b"\x88\x02\x03\xf1")
    writer.close()


async def test_a_reply_behind_the_clients_farewell_is_no_defect(serve):
    """The farewell has arrived, but lies behind messages that the use case has not taken yet."""
    farewell, outcome = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def late(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        yield Item(0)
        await farewell.wait()
        try:
            yield Item(1)
        except BaseException as error:
            outcome.set_result(error)
            raise
        outcome.set_result(None)

    client = await serve((late, http.get("/late")))
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(HANDSHAKE % (b"late", 1))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame(1, b'{"n":1}') * 40 + frame(8, b"\x03\xe8"))
    await writer.drain()
    await asyncio.sleep(0.05)
    farewell.set()
    error = await asyncio.wait_for(outcome, 5)
    assert isinstance(error, asyncio.CancelledError | GeneratorExit), error
    writer.close()


async def test_a_broken_frame_ends_the_connection(serve):
    client = await serve((double, http.get("/double")))
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(
        b"GET /double HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"101 Switching" in head
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    writer.write(b"\xff\xff\xff\xff")
    assert (await asyncio.wait_for(reader.read(), 5))[:1] == b"\x88"
    writer.close()
