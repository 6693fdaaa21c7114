"""A small service with one of everything that a hostile client can lean on. Started as a process by the tests."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

from hardy import App, Settings as Base, public, run
from hardy.transport import grpc, http


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Base):
    """Read from SERVED_* variables."""

    prefix: ClassVar[str] = "SERVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An item of a stream."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """How much is asked for."""

    size: int = 64 * 1024
    count: int = 1


async def echo(request: http.Request) -> http.Response:
    """Answer with the body that came."""
    return http.Response(200, {"x-method": request.method, "content-type": "application/x-echo"}, await request.body())


async def swallow(pieces: AsyncIterator[Piece]) -> int:
    """Count pieces."""
    count = 0
    async for _ in pieces:
        count += 1
    return count


async def big(msg: Many) -> str:
    """Answer with so many bytes at once."""
    return "x" * msg.size


async def flood(msg: Many) -> AsyncIterator[Piece]:
    """Send so many pieces as fast as they are taken."""
    piece = Piece(text="x" * msg.size)
    for _ in range(msg.count):
        yield piece
        await asyncio.sleep(0)


async def both(pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """Send each piece back."""
    async for piece in pieces:
        yield piece


async def pour(pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """Send without end, whatever comes."""
    while True:
        yield Piece(text="x" * 65_536)
        await asyncio.sleep(0)


def build(settings: Settings) -> App:
    """Say what the service consists of."""
    app = App("served", settings)
    verbs = (http.raw.get, http.raw.post, http.raw.put, http.raw.patch, http.raw.delete)
    app.expose(echo, *(verb("/") for verb in verbs), allow=public)
    rpc = grpc.service("served.v1.Served")
    app.expose(big, http.get("/big"), rpc("Big"), allow=public)
    app.expose(flood, http.get("/flood"), rpc("Flood"), allow=public)
    app.expose(swallow, http.post("/swallow"), rpc("Swallow"), allow=public)
    app.expose(both, http.get("/both"), rpc("Both"), allow=public)
    app.expose(pour, http.get("/pour"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
