"""A raw client, a clock moved by hand, and a server around any handler, on both event loops."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from hardy.server import Handle, Request, Response, Server

PATIENCE = 30.0


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
        pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    ],
)
def anyio_backend(request):
    """Every test here runs on both loops: their transports differ in what they promise."""
    return request.param


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Peer:
    """One connection of a client that does exactly what it is told."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> Reply:
        async with asyncio.timeout(PATIENCE):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        assert first.startswith("HTTP/1.1 ")
        headers = [(line.partition(": ")[0], line.partition(": ")[2]) for line in lines]
        return Reply(int(first.split(" ")[1]), headers, b"")

    async def reply(self, *, bodiless: bool = False) -> Reply:
        """Read one reply, by the framing it announces."""
        reply = await self.head()
        if bodiless or reply.status in (204, 304):
            return reply
        async with asyncio.timeout(PATIENCE):
            if reply.header("transfer-encoding") == "chunked":
                reply.body = await self._chunks()
            elif (length := reply.header("content-length")) is not None:
                reply.body = await self.reader.readexactly(int(length))
            else:
                reply.body = await self.reader.read()
        return reply

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
            data = await self.reader.readexactly(size + 2)
            assert data[-2:] == b"\r\n"
            if not size:
                return body
            body += data[:-2]

    async def rest(self) -> bytes:
        """Read to the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def half_close(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Clock:
    """Seconds that pass only when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Service:
    """A running server and what it told."""

    server: Server
    clock: Clock | None
    peers: list[Peer]
    errors: list[BaseException] = field(default_factory=list)
    notices: list[Any] = field(default_factory=list)

    async def connect(self, **options: Any) -> Peer:
        reader, writer = await asyncio.open_connection(*self.server.addresses[0], **options)
        self.peers.append(peer := Peer(reader, writer))
        return peer

    async def connect_with(self, sock: Any) -> Peer:
        reader, writer = await asyncio.open_connection(sock=sock)
        self.peers.append(peer := Peer(reader, writer))
        return peer

    async def ask(self, data: bytes) -> tuple[Peer, Reply]:
        peer = await self.connect()
        peer.send(data)
        return peer, await peer.reply()

    async def pass_time(self, seconds: float) -> None:
        """Let time go by in steps of a second, as a loop's timer would see it."""
        assert self.clock is not None
        while seconds > 0:
            step = min(1.0, seconds)
            seconds -= step
            self.clock.now += step
            self.server.wheel.turn()
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the kernel and the loop have yet to deliver."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.001)

    async def settled(self, amount: Callable[[], int]) -> int:
        """Wait until *amount* is more than nothing and grows no more: the kernel's buffers are full."""
        same, before = 0, 0
        async with asyncio.timeout(PATIENCE):
            while same < 10:
                await asyncio.sleep(0.01)
                now = amount()
                same = same + 1 if now and now == before else 0
                before = now
        return before

    def unsent(self) -> int:
        """Return what the server has for its only client that the kernel did not take."""
        (connection,) = self.server._connections
        return connection.transport.get_write_buffer_size()

    async def received(self, amount: int) -> None:
        await self.until(lambda: self.server.statistics().bytes_received >= amount)


Serve = Callable[..., Awaitable[Service]]


async def hello(request: Request) -> Response:
    return Response(200, [(b"content-type", b"text/plain")], b"hello " + request.target.encode())


@pytest.fixture
async def serve(anyio_backend) -> AsyncIterator[Serve]:
    """Start a server around a handler; it is stopped, and its clients closed, after the test."""
    async with AsyncExitStack() as stack:

        async def start(handle: Handle = hello, *, by_hand: bool = False, **options: Any) -> Service:
            clock = Clock() if by_hand else None
            errors: list[BaseException] = []
            notices: list[Any] = []
            server = Server(
                handle,
                bind=[("127.0.0.1", 0)],
                on_error=lambda error, _: errors.append(error),
                emit=notices.append,
                clock=clock,
                **options,
            )
            peers: list[Peer] = []
            stack.push_async_callback(lambda: _close(peers))
            return Service(await _enter(stack, server, peers), clock, peers, errors, notices)

        yield start


async def _enter(stack: AsyncExitStack, server: Server, peers: list[Peer]) -> Server:
    await server.__aenter__()

    async def leave() -> None:
        await _close(peers)
        await server.stop_accepting()
        if not await server.wait_idle(1.0):
            server.abort()
        await server.__aexit__(None, None, None)

    stack.push_async_callback(leave)
    return server


async def _close(peers: list[Peer]) -> None:
    for peer in peers:
        peer.writer.transport.abort()
    await asyncio.sleep(0)
