"""The five slow clients, and those that do not read, by a clock that is moved by hand."""

import asyncio

import pytest

from hardy.server import Request, Response, Timeouts

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
GET = HEAD + b"\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


async def echo(request: Request) -> Response:
    return Response(200, (), await request.read())


def open_connections(service):
    return service.server.statistics().connections


async def test_a_connection_that_sends_nothing_is_closed_after_10_seconds(serve):
    service = await serve(by_hand=True)
    peer = await service.connect()
    await service.until(lambda: open_connections(service) == 1)

    await service.pass_time(9.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)

    assert await peer.rest() == b""
    assert service.server.statistics().timeouts == 1


async def test_half_a_head_is_408_after_10_seconds(serve):
    service = await serve(by_hand=True)
    peer = await service.connect()
    peer.send(HEAD)
    await service.received(len(HEAD))

    await service.pass_time(9.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)

    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


async def test_a_head_that_drips_is_408_after_10_seconds(serve):
    service = await serve(by_hand=True)
    peer = await service.connect()

    for number in range(10):
        peer.send(HEAD[number : number + 1])
        await service.received(number + 1)
        assert open_connections(service) == 1
        await service.pass_time(1)

    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"Content-Length: 10\r\n\r\n", id="counted"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\na\r\n", id="chunked"),
    ],
)
async def test_half_a_body_is_408_after_30_seconds(serve, start):
    service = await serve(echo, by_hand=True)
    peer = await service.connect()
    peer.send(POST + start + b"half")
    await service.received(len(POST + start) + 4)

    await service.pass_time(29.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)

    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")
    assert service.errors == []


async def test_a_body_that_drips_is_408_after_30_seconds(serve):
    service = await serve(echo, by_hand=True)
    peer = await service.connect()
    head = POST + b"Content-Length: 100\r\n\r\n"
    peer.send(head)
    await service.received(len(head))

    for number in range(30):
        peer.send(b".")
        await service.received(len(head) + number + 1)
        assert open_connections(service) == 1
        await service.pass_time(1)

    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


@pytest.mark.parametrize("drips", [False, True], ids=["rests", "drips"])
async def test_a_sender_may_not_rest_on_what_it_has_sent(serve, drips):
    service = await serve(echo, by_hand=True)
    peer = await service.connect()
    data = POST + b"Content-Length: 1000000\r\n\r\n" + bytes(900_000)
    peer.send(data)
    await service.received(len(data))
    await service.pass_time(29)
    assert open_connections(service) == 1

    if drips:
        peer.send(b".")
        await service.received(len(data) + 1)
    await service.pass_time(2)

    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


async def test_a_body_that_comes_steadily_may_take_longer(serve):
    service = await serve(echo, by_hand=True, timeouts=Timeouts(min_rate=100))
    peer = await service.connect()
    head = POST + b"Content-Length: 10000\r\n\r\n"
    peer.send(head)
    await service.received(len(head))

    for number in range(50):
        peer.send(bytes(200))
        await service.received(len(head) + (number + 1) * 200)
        await service.pass_time(1)

    assert len((await peer.reply()).body) == 10_000


async def test_the_time_in_which_the_handler_does_not_read_is_not_the_clients(serve):
    read = asyncio.Event()

    async def handle(request: Request) -> Response:
        await read.wait()
        return Response(200, (), b"%d" % len(await request.read()))

    service = await serve(handle, by_hand=True)
    peer = await service.connect()
    peer.send(POST + b"Content-Length: 1000000\r\n\r\n" + bytes(400_000))
    await service.settled(lambda: service.server.statistics().bytes_received)
    await service.pass_time(100)
    read.set()
    await service.received(400_000)
    await service.pass_time(20)
    peer.send(bytes(600_000))

    assert (await peer.reply()).body == b"1000000"


async def test_a_client_that_waits_to_be_asked_for_its_body_is_not_slow(serve):
    read = asyncio.Event()

    async def handle(request: Request) -> Response:
        await read.wait()
        return Response(200, (), await request.read())

    service = await serve(handle, by_hand=True)
    peer = await service.connect()
    head = POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    peer.send(head)
    await service.received(len(head))
    await service.pass_time(60)
    read.set()
    assert (await peer.head()).status == 100
    await service.pass_time(30)

    assert (await peer.reply()).status == 408


async def test_an_idle_connection_is_closed_after_75_seconds(serve):
    service = await serve(by_hand=True)
    peer, _ = await service.ask(GET)

    await service.pass_time(74.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)

    assert await peer.rest() == b""


async def test_each_request_begins_the_idle_time_anew(serve):
    service = await serve(by_hand=True)
    peer = await service.connect()

    for _ in range(5):
        peer.send(GET)
        assert (await peer.reply()).status == 200
        await service.pass_time(70)

    assert open_connections(service) == 1


async def test_a_request_in_flight_has_no_timer(serve):
    finish = asyncio.Event()

    async def handle(request: Request) -> Response:
        await finish.wait()
        return Response(200)

    service = await serve(handle, by_hand=True)
    peer = await service.connect()
    peer.send(GET)
    await service.until(lambda: service.server.statistics().in_flight == 1)
    await service.pass_time(1000)
    finish.set()

    assert (await peer.reply()).status == 200


async def test_half_a_head_that_came_during_a_request_is_408_ten_seconds_after_its_reply(serve):
    finish = asyncio.Event()

    async def handle(request: Request) -> Response:
        await finish.wait()
        return Response(200)

    service = await serve(handle, by_hand=True)
    peer = await service.connect()
    peer.send(GET)
    await service.until(lambda: service.server.statistics().in_flight == 1)
    peer.send(HEAD)
    await service.received(len(GET + HEAD))
    await service.pass_time(60)
    finish.set()
    assert (await peer.reply()).status == 200

    await service.pass_time(9.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)
    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


async def test_half_a_head_behind_a_whole_request_in_one_piece_is_408_after_10_seconds(serve):
    service = await serve(by_hand=True)
    peer = await service.connect()
    peer.send(GET + HEAD)
    assert (await peer.reply()).status == 200

    await service.pass_time(9.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)
    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


async def test_half_a_body_behind_a_whole_request_in_one_piece_is_408_after_30_seconds(serve):
    service = await serve(echo, by_hand=True)
    peer = await service.connect()
    peer.send(GET + POST + b"Content-Length: 5\r\n\r\nhel")
    assert (await peer.reply()).status == 200
    await service.until(lambda: service.server.statistics().in_flight == 1)

    await service.pass_time(30)
    assert ((await peer.reply()).status, await peer.rest()) == (408, b"")


async def test_half_a_head_after_idling_does_not_wait_for_the_idle_timer(serve):
    service = await serve(by_hand=True)
    peer, _ = await service.ask(GET)
    await service.pass_time(60)
    peer.send(HEAD)
    await service.received(len(GET + HEAD))

    await service.pass_time(9.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)
    assert (await peer.reply()).status == 408


async def test_only_an_empty_line_is_no_request_yet(serve):
    service = await serve(by_hand=True)
    peer, _ = await service.ask(GET)
    peer.send(b"\r\n")
    await service.received(len(GET) + 2)

    await service.pass_time(75)
    assert await peer.rest() == b""


async def test_an_unread_body_that_does_not_come_closes_the_connection(serve):
    async def ignore(request: Request) -> Response:
        return Response(200)

    service = await serve(ignore, by_hand=True)
    peer, _ = await service.ask(POST + b"Content-Length: 10\r\n\r\nhalf")

    await service.pass_time(29.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)
    assert await peer.rest() == b""


async def test_a_client_that_does_not_read_is_cut_after_30_seconds(serve):
    async def handle(request: Request) -> Response:
        return Response(200, (), bytes(30_000_000))

    service = await serve(handle, by_hand=True)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await service.until(lambda: service.server.statistics().bytes_sent > 30_000_000)
    await service.settled(service.unsent)
    await service.pass_time(29.9)
    assert open_connections(service) == 1
    await service.pass_time(0.1)

    await service.until(lambda: open_connections(service) == 0)
    assert service.server.statistics().timeouts == 1


async def test_a_client_that_reads_slowly_but_steadily_is_not_cut(serve):
    body = bytes(30_000_000)

    async def handle(request: Request) -> Response:
        return Response(200, (), body)

    service = await serve(handle, by_hand=True)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await peer.head()
    left = len(body)
    while left:
        left -= len(await peer.reader.readexactly(min(left, 6_000_000)))
        await asyncio.sleep(0.01)
        await service.pass_time(29)

    assert open_connections(service) == 1


async def test_a_client_that_neither_reads_nor_leaves_is_cut_after_its_last_reply(serve):
    async def handle(request: Request) -> Response:
        request.keep_alive = False
        return Response(200, (), bytes(30_000_000))

    service = await serve(handle, by_hand=True)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await service.until(lambda: service.server.statistics().bytes_sent > 30_000_000)
    await service.settled(service.unsent)

    await service.pass_time(31)
    await service.until(lambda: open_connections(service) == 0)


async def test_a_client_that_reads_late_and_never_leaves_is_left(serve):
    async def handle(request: Request) -> Response:
        request.keep_alive = False
        return Response(200, (), bytes(30_000_000))

    service = await serve(handle, by_hand=True)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await service.settled(service.unsent)
    await service.pass_time(5)
    assert len((await peer.reply()).body) == 30_000_000
    assert await peer.rest() == b""

    await service.pass_time(3)
    await service.until(lambda: open_connections(service) == 0)


async def test_a_client_that_does_not_close_its_side_is_left_after_2_seconds(serve):
    service = await serve(by_hand=True)
    peer, _ = await service.ask(b"GET / HTTP/1.0\r\n\r\n")

    await service.pass_time(1.9)
    assert open_connections(service) == 1
    await service.pass_time(0.2)
    await service.until(lambda: open_connections(service) == 0)
    assert await peer.rest() == b""


async def test_a_writer_whose_client_does_not_read_learns_that_it_was_cut(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)
        while True:
            await stream.write(bytes(1_000_000))

    service = await serve(handle, by_hand=True)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await service.settled(lambda: service.server.statistics().bytes_sent)

    await service.pass_time(31)
    await service.until(lambda: service.server.statistics().in_flight == 0)
    assert service.errors == []


async def test_real_timers_close_slow_clients_and_let_others_be(serve):
    timeouts = Timeouts(idle=0.2, header=0.2, body=0.2, keep_alive=0.2)
    service = await serve(echo, timeouts=timeouts)
    loop = asyncio.get_running_loop()
    started = loop.time()
    idle, head, body = [await service.connect() for _ in range(3)]
    head.send(HEAD)
    body.send(POST + b"Content-Length: 5\r\n\r\nhel")

    replies = [await head.reply(), await body.reply()]
    ends = [await peer.rest() for peer in (idle, head, body)]

    assert ([reply.status for reply in replies], ends) == ([408, 408], [b"", b"", b""])
    assert loop.time() - started > 0.1
    peer, reply = await service.ask(GET)
    assert (reply.status, await peer.rest()) == (200, b"")
