"""Replies sent piece by piece, and connections taken over."""

import asyncio
import socket

import pytest

from hardy.server import ClientGone, Limits, Request, Response, Tunnel

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def stream_of(*pieces: bytes, status: int = 200, headers=()):
    async def handle(request: Request) -> None:
        stream = await request.start(status, headers)
        for piece in pieces:
            await stream.write(piece)
        await stream.end()

    return handle


async def test_a_stream_is_chunked_and_the_connection_stays(serve):
    service = await serve(stream_of(b"one", b"", b"two"))
    peer = await service.connect()
    peer.send(GET + GET)

    first, second = await peer.reply(), await peer.reply()

    assert (first.header("transfer-encoding"), first.header("content-length")) == ("chunked", None)
    assert (first.body, second.body) == (b"onetwo", b"onetwo")


async def test_a_stream_to_an_old_client_ends_with_the_connection(serve):
    service = await serve(stream_of(b"one", b"two"))
    peer = await service.connect()
    peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    raw = await peer.rest()

    assert b"transfer-encoding" not in raw
    assert b"connection: close\r\n" in raw
    assert raw.endswith(b"\r\n\r\nonetwo")


async def test_a_stream_of_known_length_is_not_chunked(serve):
    service = await serve(stream_of(b"one", b"two", headers=[(b"content-length", b"6")]))
    peer = await service.connect()
    peer.send(GET + GET)

    first, second = await peer.reply(), await peer.reply()

    assert (first.header("transfer-encoding"), first.body, second.body) == (None, b"onetwo", b"onetwo")


@pytest.mark.parametrize(
    "pieces",
    [pytest.param((b"seven77",), id="longer"), pytest.param((b"five5",), id="shorter"), pytest.param((), id="nothing")],
)
async def test_a_stream_that_is_not_as_long_as_it_said_is_broken_off(serve, pieces):
    service = await serve(stream_of(*pieces, headers=[(b"content-length", b"6")]))
    peer = await service.connect()
    peer.send(GET + GET)

    raw = await peer.rest()

    assert raw.count(b"HTTP/1.1") == 1
    assert [type(error) for error in service.errors] == [ValueError]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_a_stream_has_no_body_where_there_is_none(serve, method, status):
    service = await serve(stream_of(b"one", status=status))
    peer = await service.connect()
    peer.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 2)

    assert [(await peer.reply(bodiless=True)).status for _ in range(2)] == [status] * 2


async def test_a_client_can_talk_while_it_listens(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)
        async for piece in request.chunks():
            await stream.write(piece.upper())
        await stream.end()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await peer.head()

    for word in (b"tea", b"cup"):
        peer.send(b"3\r\n" + word + b"\r\n")
        assert await peer.reader.readuntil(word.upper() + b"\r\n")
    peer.send(b"0\r\n\r\n")
    assert (await peer.rest()) == b"0\r\n\r\n"


async def test_a_slow_reader_holds_the_stream_and_not_the_memory(serve):
    written = 0

    async def handle(request: Request) -> None:
        nonlocal written
        stream = await request.start(200)
        for _ in range(300):
            await stream.write(bytes(65_536))
            written += 65_536
        await stream.end()

    service = await serve(handle, limits=Limits(buffered_reply=65_536))
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, service.server.addresses[0])
    peer = await service.connect_with(sock)
    peer.send(GET)
    await service.settled(lambda: written)

    assert written < 15_000_000  # the kernel's buffers take some of it
    assert service.unsent() < 65_536 * 3
    assert len((await peer.reply()).body) == 300 * 65_536


async def test_a_client_that_does_not_read_replies_gets_no_more_requests_served(serve):
    async def handle(request: Request) -> Response:
        return Response(200, (), bytes(1_000_000))

    service = await serve(handle)
    peer = await service.connect(limit=1000)
    peer.send(GET * 200)
    before = await service.settled(lambda: service.server.statistics().requests)

    assert before < 50
    assert [len((await peer.reply()).body) for _ in range(200)] == [1_000_000] * 200


async def test_an_aborted_stream_has_no_last_chunk(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)
        await stream.write(b"one")
        stream.abort()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET + GET)

    assert (await peer.rest()).endswith(b"\r\n\r\n3\r\none\r\n")
    assert service.errors == []


async def test_an_aborted_stream_to_an_old_client_is_a_reset(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)
        stream.abort()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(b"GET / HTTP/1.0\r\n\r\n")

    with pytest.raises(ConnectionResetError):
        await peer.rest()


async def fails(request: Request) -> None:
    stream = await request.start(200)
    await stream.write(b"one")
    raise KeyError("secret")


async def forgets(request: Request) -> None:
    stream = await request.start(200)
    await stream.write(b"one")


async def answers_twice(request: Request) -> Response:
    stream = await request.start(200)
    await stream.write(b"one")
    return Response(200)


@pytest.mark.parametrize(
    ("handle", "error"), [(fails, KeyError), (forgets, RuntimeError), (answers_twice, RuntimeError)]
)
async def test_a_stream_that_its_handler_leaves_is_broken_off_and_told(serve, handle, error):
    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET + GET)

    assert (await peer.rest()).endswith(b"\r\n\r\n3\r\none\r\n")
    assert [type(error) for error in service.errors] == [error]


async def test_a_writer_learns_that_its_client_left(serve):
    learnt = asyncio.Event()

    async def handle(request: Request) -> None:
        stream = await request.start(200)
        try:
            while True:
                await stream.write(bytes(10_000))
                await asyncio.sleep(0)
        except ClientGone:
            learnt.set()
            raise

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET)
    await peer.head()
    peer.reset()

    async with asyncio.timeout(5):
        await learnt.wait()
    await service.until(lambda: service.server.statistics().in_flight == 0)
    assert service.errors == []


async def test_a_waiting_writer_learns_that_its_client_left(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)
        await stream.write(bytes(50_000_000))

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET)
    await peer.head()
    peer.reset()

    await service.until(lambda: service.server.statistics().in_flight == 0)
    assert service.errors == []


async def test_a_finished_request_can_no_longer_be_used(serve):
    kept: list[Request] = []

    async def handle(request: Request) -> Response:
        kept.append(request)
        return Response(200)

    service = await serve(handle)
    await service.ask(GET)

    with pytest.raises(RuntimeError):
        await kept[0].start(200)
    with pytest.raises(RuntimeError):
        await kept[0].upgrade()


# -- tunnels


async def shout(request: Request) -> None:
    tunnel: Tunnel = await request.upgrade([(b"upgrade", b"websocket"), (b"x", b"y")])
    while data := await tunnel.read():
        await tunnel.write(data.upper())
    tunnel.close()


async def test_a_tunnel_carries_raw_bytes_both_ways_until_the_client_closes(serve):
    service = await serve(shout)
    peer = await service.connect()
    peer.send(UPGRADE + b"early")
    head = await peer.head()

    assert (head.status, head.header("connection"), head.header("upgrade")) == (101, "upgrade", "websocket")
    assert await peer.reader.readexactly(5) == b"EARLY"
    peer.send(b"GET / HTTP/1.1\r\n\r\n")
    assert await peer.reader.readexactly(18) == b"GET / HTTP/1.1\r\n\r\n"
    peer.half_close()
    assert await peer.rest() == b""
    await service.until(lambda: service.server.statistics().in_flight == 0)


async def test_a_tunnel_closed_by_the_server_sends_what_was_written(serve):
    async def handle(request: Request) -> None:
        tunnel = await request.upgrade([(b"upgrade", b"x")])
        await tunnel.write(b"bye" * 100_000)
        tunnel.close()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(UPGRADE)
    await peer.head()

    assert await peer.rest() == b"bye" * 100_000


async def test_a_tunnel_that_nobody_reads_stops_its_sender(serve):
    go_on = asyncio.Event()

    async def handle(request: Request) -> None:
        tunnel = await request.upgrade([(b"upgrade", b"x")])
        await go_on.wait()
        total = 0
        while data := await tunnel.read():
            total += len(data)
        await tunnel.write(b"%d" % total)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(UPGRADE + bytes(30_000_000))
    await peer.head()
    before = await service.settled(lambda: service.server.statistics().bytes_received)

    assert before < 1_000_000
    go_on.set()
    peer.half_close()
    assert await peer.rest() == b"30000000"


async def test_a_tunnel_learns_of_a_reset(serve):
    learnt: list[object] = []

    async def handle(request: Request) -> None:
        tunnel = await request.upgrade([(b"upgrade", b"x")])
        learnt.append(await tunnel.read())
        with pytest.raises(ClientGone):
            await tunnel.write(b"x")
        learnt.append("gone")

    service = await serve(handle)
    peer = await service.connect()
    peer.send(UPGRADE)
    await peer.head()
    peer.reset()

    await service.until(lambda: len(learnt) == 2)
    assert learnt == [b"", "gone"]


async def test_who_did_not_ask_for_another_protocol_gets_none(serve):
    service = await serve(shout)
    _, reply = await service.ask(GET)

    assert (reply.status, [type(error) for error in service.errors]) == (500, [ValueError])
