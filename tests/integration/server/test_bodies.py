"""Bodies on their way in: whole, piece by piece, too large, unread, expected."""

import asyncio

import pytest

from hardy.server import BodyTooLarge, ClientGone, Limits, Request, Response

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
GOOD = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n"


async def echo(request: Request) -> Response:
    return Response(200, (), await request.read())


async def ignore(request: Request) -> Response:
    return Response(200, (), b"ignored")


async def test_a_body_that_came_with_its_head_is_there_at_once(serve):
    async def handle(request: Request) -> Response:
        assert request.body is not None
        return Response(200, (), request.body)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(
        POST + b"Content-Length: 5\r\n\r\nhello" + POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    )

    assert [(await peer.reply()).body for _ in range(2)] == [b"hello", b"x"]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000], ids=str)
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "counted"])
async def test_a_body_arrives_as_it_was_sent(serve, size, chunked):
    service = await serve(echo)
    peer = await service.connect()
    body = bytes(i * 7 % 251 for i in range(size))

    if chunked:
        peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, size, 10_007):
            piece = body[start : start + 10_007]
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        peer.send(b"0\r\n\r\n" + GOOD)
    else:
        peer.send(POST + b"Content-Length: %d\r\n\r\n" % size + body + GOOD)

    assert (await peer.reply()).body == body
    assert (await peer.reply()).body == b""


async def test_reading_twice_gives_the_same(serve):
    async def handle(request: Request) -> Response:
        return Response(200, (), await request.read() + await request.read())

    service = await serve(handle)
    peer = await service.connect()
    peer.send(POST + b"Content-Length: 5\r\n\r\n")
    peer.send(b"hello")

    assert (await peer.reply()).body == b"hellohello"


async def test_a_sender_waits_while_nobody_reads(serve):
    go_on = asyncio.Event()
    total = 30_000_000

    async def handle(request: Request) -> Response:
        request.max_body = total
        await go_on.wait()
        return Response(200, (), b"%d" % sum([len(piece) async for piece in request.chunks()]))

    service = await serve(handle)
    peer = await service.connect()
    peer.send(POST + b"Content-Length: %d\r\n\r\n" % total + bytes(total))
    before = await service.settled(lambda: service.server.statistics().bytes_received)

    assert before < 1_000_000
    go_on.set()
    assert (await peer.reply()).body == b"%d" % total


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Content-Length: 101\r\n\r\n", id="announced"),
        pytest.param(b"Content-Length: 9223372036854775807\r\n\r\n", id="announced without end"),
        pytest.param(b"Content-Length: 101\r\n\r\n" + bytes(101), id="arrived"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n65\r\n" + bytes(101) + b"\r\n0\r\n\r\n", id="in one chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n.\r\n" * 101, id="in small chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + bytes(1000), id="in a chunk without end"),
    ],
)
async def test_a_body_over_the_limit_is_413_before_it_ends(serve, data):
    service = await serve(echo, limits=Limits(body=100))

    peer, reply = await service.ask(POST + data)

    assert (reply.status, reply.header("connection"), await peer.rest()) == (413, "close", b"")
    assert service.errors == []


async def test_a_handler_can_change_the_limit_of_one_request(serve):
    async def handle(request: Request) -> Response:
        request.max_body = 10 if request.path == "/little" else 1000
        try:
            return Response(200, (), b"%d" % len(await request.read()))
        except BodyTooLarge as error:
            return Response(413, (), b"%d" % error.limit)

    service = await serve(handle, limits=Limits(body=100))
    peer = await service.connect()
    peer.send(POST.replace(b"/ ", b"/little ", 1) + b"Content-Length: 11\r\n\r\n" + bytes(11))
    peer.send(POST + b"Content-Length: 1000\r\n\r\n" + bytes(1000))

    replies = [await peer.reply(), await peer.reply()]

    assert [(reply.status, reply.body) for reply in replies] == [(413, b"10"), (200, b"1000")]


async def test_a_flood_of_chunks_is_cut_off_while_the_sender_still_sends(serve):
    service = await serve(echo)
    peer = await service.connect()
    peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + bytes(65_536) + b"\r\n"

    for _ in range(40):
        peer.send(chunk)
    reply = await peer.reply()

    assert reply.status == 413


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"1;" + b"a" * 5000 + b"\r\n.\r\n", id="long extension"),
        pytest.param(b"1;a=bcdefghijklmnopqrstuvwxyz\r\n.\r\n" * 700, id="many extensions"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 5000, id="many trailers"),
    ],
)
async def test_what_surrounds_the_chunks_is_bounded(serve, data):
    service = await serve(echo)

    peer, reply = await service.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + data)

    assert (reply.status, await peer.rest()) == (400, b"")


async def test_an_unread_body_is_never_taken_for_a_request(serve):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    service = await serve(ignore)
    peer = await service.connect()

    peer.send(POST + b"Content-Length: %d\r\n\r\n" % (len(smuggled) * 2))
    await service.received(1)
    first = await peer.reply()
    peer.send(smuggled)
    peer.send(smuggled)
    peer.send(GOOD)
    second = await peer.reply()

    assert (first.header("connection"), second.body) == (None, b"ignored")
    assert service.server.statistics().requests == 2


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 65537\r\n\r\n", id="too much to throw away"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="of unknown length"),
        pytest.param(b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", id="not asked for"),
    ],
)
async def test_an_unread_body_that_cannot_be_thrown_away_closes_the_connection(serve, head):
    service = await serve(ignore)

    peer, reply = await service.ask(POST + head)
    peer.send(GOOD)

    assert (reply.status, reply.header("connection"), await peer.rest()) == (200, "close", b"")
    assert service.server.statistics().requests == 1


async def test_a_reply_reaches_a_client_that_is_still_sending(serve):
    """Closing with unread bytes would reset the connection and destroy the reply."""
    service = await serve(ignore)
    peer = await service.connect()
    peer.send(POST + b"Content-Length: 3000000\r\n\r\n" + bytes(3_000_000))
    await service.received(3_000_000)

    assert (await peer.reply()).body == b"ignored"


async def test_100_continue_is_said_when_the_body_is_first_read(serve):
    service = await serve(echo)
    peer = await service.connect()
    peer.send(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")

    interim = await peer.head()
    peer.send(b"hello")
    reply = await peer.reply()

    assert (interim.status, interim.headers, reply.body) == (100, [], b"hello")


async def test_100_continue_is_not_said_to_who_did_not_wait(serve):
    service = await serve(echo)

    _, reply = await service.ask(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")

    assert (reply.status, reply.body) == (200, b"hello")


async def test_100_continue_is_not_said_for_a_body_over_the_limit(serve):
    service = await serve(echo, limits=Limits(body=4))

    peer, reply = await service.ask(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")

    assert (reply.status, await peer.rest()) == (413, b"")


async def test_100_continue_is_not_said_to_an_old_client(serve):
    service = await serve(echo)
    peer = await service.connect()
    peer.send(b"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    peer.send(b"hello")

    assert (await peer.reply()).body == b"hello"


async def test_a_body_broken_midway_is_400(serve):
    service = await serve(echo)
    peer = await service.connect()
    peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await service.received(50)
    peer.send(b"nonsense\r\n")

    assert ((await peer.reply()).status, await peer.rest()) == (400, b"")


async def test_the_reader_of_a_body_learns_that_the_client_left(serve):
    learnt: list[BaseException] = []

    async def handle(request: Request) -> Response:
        try:
            await request.read()
        except ClientGone as error:
            learnt.append(error)
            raise
        return Response(200)

    service = await serve(handle)
    for leave in ("half_close", "reset"):
        peer = await service.connect()
        peer.send(POST + b"Content-Length: 5\r\n\r\nhel")
        await service.until(lambda: service.server.statistics().in_flight == 1)
        getattr(peer, leave)()
        await service.until(lambda: service.server.statistics().in_flight == 0)

    assert (len(learnt), service.errors) == (2, [])
