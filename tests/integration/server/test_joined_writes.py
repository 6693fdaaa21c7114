"""What a streamed reply costs in system calls, what that may not cost its client, and the turn of the others."""

import asyncio
from itertools import pairwise

import pytest

from hardy.server import Request
from hardy.server._reply import JOINED, SHARE

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Recorder:
    """A connection's transport, and what was written on it."""

    def __init__(self, request: Request) -> None:
        self.writes: list[bytes] = []
        self._transport = request.exchange.transport
        request.exchange.transport = self

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str):
        return getattr(self._transport, name)


@pytest.fixture
def recorders():
    return []


async def test_a_reply_whose_writer_never_waits_is_one_write(serve, recorders):
    async def handle(request: Request) -> None:
        recorders.append(Recorder(request))
        stream = await request.start(200)
        for number in range(100):
            await stream.write(b"%d" % number)
        await stream.end()

    service = await serve(handle, by_hand=True)
    _, reply = await service.ask(GET)

    assert reply.body == b"".join(b"%d" % number for number in range(100))
    (whole,) = recorders[0].writes
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"0\r\n\r\n")


async def test_a_piece_arrives_while_the_next_one_is_waited_for(serve, recorders):
    told = asyncio.Queue[bytes]()

    async def handle(request: Request) -> None:
        recorders.append(Recorder(request))
        stream = await request.start(200)
        await stream.write(b"one")
        while piece := await told.get():
            await stream.write(piece)
        await stream.end()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET)
    await peer.head()
    for piece, after in ((b"one", b"two"), (b"two", b"six"), (b"six", b"")):
        assert await peer.reader.readexactly(8) == b"3\r\n" + piece + b"\r\n"
        told.put_nowait(after)
    assert await peer.reader.readexactly(5) == b"0\r\n\r\n"

    head, *others = recorders[0].writes
    assert head.endswith(b"\r\n\r\n3\r\none\r\n")
    assert others == [b"3\r\ntwo\r\n", b"3\r\nsix\r\n", b"0\r\n\r\n"]


async def test_a_head_does_not_wait_for_the_first_piece(serve):
    goes_on = asyncio.Event()

    async def handle(request: Request) -> None:
        stream = await request.start(200)
        await goes_on.wait()
        await stream.end()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET)
    assert (await peer.head()).status == 200
    goes_on.set()
    assert await peer.reader.readexactly(5) == b"0\r\n\r\n"


async def test_no_more_than_the_bound_is_joined(serve, recorders):
    async def handle(request: Request) -> None:
        recorders.append(Recorder(request))
        stream = await request.start(200)
        for _ in range(1000):
            await stream.write(bytes(1000))
        await stream.end()

    service = await serve(handle, by_hand=True)
    _, reply = await service.ask(GET)

    assert len(reply.body) == 1_000_000
    sizes = [len(each) for each in recorders[0].writes]
    assert max(sizes) < JOINED + 1010
    assert len(sizes) < 100  # and sixteen while the client keeps up


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"200012")]], ids=["chunked", "counted"])
async def test_a_large_piece_keeps_its_place_among_small_ones(serve, headers):
    pieces = [b"one", b"x" * 100_000, b"two", b"six", b"y" * 100_000, b"end"]

    async def handle(request: Request) -> None:
        stream = await request.start(200, headers)
        for piece in pieces:
            await stream.write(piece)
        await stream.end()

    service = await serve(handle)
    _, reply = await service.ask(GET)

    assert reply.body == b"".join(pieces)


async def test_pieces_of_several_tasks_do_not_mix(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200)

        async def send(letter: bytes) -> None:
            for size in range(1, 400):
                await stream.write(letter * size)

        await asyncio.gather(send(b"a"), send(b"b"), send(b"c"))
        await stream.end()

    service = await serve(handle)
    peer = await service.connect(limit=1000)
    peer.send(GET)
    await peer.head()

    seen: dict[bytes, list[int]] = {b"a": [], b"b": [], b"c": []}
    while size := int(await peer.reader.readline(), 16):
        data = (await peer.reader.readexactly(size + 2))[:-2]
        assert data == data[:1] * size
        seen[data[:1]].append(size)
    assert list(seen.values()) == [list(range(1, 400))] * 3


async def test_what_was_written_before_an_abort_goes_out(serve):
    async def handle(request: Request) -> None:
        stream = await request.start(200, [(b"content-length", b"9")])
        await stream.write(b"one")
        await stream.write(b"two")
        stream.abort()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET + GET)
    raw = await peer.rest()

    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert raw.endswith(b"\r\n\r\nonetwo")


async def test_nothing_is_kept_for_a_client_that_has_left(serve, recorders):
    goes_on, over = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> None:
        stream = await request.start(200)
        await goes_on.wait()
        recorders.append(Recorder(request))
        try:
            await stream.write(b"one")
        finally:
            over.set()

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET)
    await peer.head()
    peer.reset()
    await service.until(lambda: service.server.statistics().connections == 0)
    goes_on.set()
    await over.wait()

    assert (recorders[0].writes, service.errors) == ([], [])


class Told:
    """A load that lets everybody in, and keeps what streams told it."""

    def __init__(self) -> None:
        self.gave_way_for: list[float] = []

    def admits(self) -> bool:
        return True

    def gave_way(self, seconds: float) -> None:
        self.gave_way_for.append(seconds)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_stream_that_never_waits_lets_others_have_their_turn(serve, method):
    load, turns, service = Told(), 0, None

    async def handle(request: Request) -> None:
        nonlocal turns
        stream = await request.start(200)
        loop, over = asyncio.get_running_loop(), False

        def turn() -> None:
            nonlocal turns
            if not over:
                turns += 1
                loop.call_soon(turn)

        loop.call_soon(turn)
        for number in range(40):
            await stream.write(b"%d" % number)
            service.clock.now += SHARE / 3
        over = True
        await stream.end()

    service = await serve(handle, by_hand=True, load=load)
    peer = await service.connect()
    peer.send(f"{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    assert (await peer.rest()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert turns >= 10
    assert len(load.gave_way_for) >= 10
    assert min(load.gave_way_for) >= 0


async def test_a_share_is_measured_by_a_clock_that_can_tell_it(serve):
    """A loop's own cannot: uvloop's has milliseconds, and each stream would have four times its share."""
    service = await serve()
    moments = sorted({service.server.stopwatch() for _ in range(1000)})

    assert min(later - earlier for earlier, later in pairwise(moments)) < SHARE / 10
