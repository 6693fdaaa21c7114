"""A bounded load on one loopback address, and what came of it: ``python load.py PORT STATUS SECONDS CONNECTIONS MODE``.

The request is read from standard input. ``keep`` asks again on the same
connection, ``close`` on a new one; ``stream`` counts events instead of answers.
wrk does the first where it is installed, for it costs the machine less.
"""

import asyncio
import sys
import time
from typing import cast

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, request: bytes, status: bytes, until: float) -> None:
        self.request, self.status, self.until = request, status, until
        self.buffer = b""
        self.answers = self.wrong = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found or not self.is_whole(head.lower(), rest):
            return
        self.buffer = b""
        self.answers += 1
        self.wrong += head[9:12] != self.status
        self.go_on()

    def is_whole(self, head: bytes, rest: bytes) -> bool:
        """Whether the answer has come to its end."""
        if b"transfer-encoding: chunked" in head:
            return rest.endswith(b"0\r\n\r\n")
        at = head.find(b"content-length:")
        return len(rest) >= (int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)

    def go_on(self) -> None:
        """Ask again, while there is time."""
        if time.monotonic() < self.until:
            self.transport.write(self.request)
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


class Once(Connection):
    """One connection for one request, read to its end; events are counted as they come."""

    def data_received(self, data: bytes) -> None:
        if not self.answers:
            self.wrong += data[9:12] != self.status
        self.buffer = (self.buffer + data)[-64:] if self.answers else data
        self.answers = max(1, self.answers)
        self.events = getattr(self, "events", 0) + data.count(b"data:")


async def keep(port: int, request: bytes, status: bytes, until: float, connections: int) -> tuple[int, int]:
    """Ask on *connections* connections; return answers and wrong ones."""
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(request, status, until), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*[each.done for each in made])
    return sum(e.answers for e in made), sum(e.wrong for e in made)


async def anew(
    port: int, request: bytes, status: bytes, until: float, connections: int, *, events: bool
) -> tuple[int, int]:
    """Ask on ever new connections, *connections* at a time; return answers, or events, and wrong answers."""
    loop = asyncio.get_running_loop()
    counted = wrong = 0

    async def one_after_another() -> None:
        nonlocal counted, wrong
        while time.monotonic() < until:
            _, made = await loop.create_connection(lambda: Once(request, status, until), "127.0.0.1", port)
            await made.done
            counted += getattr(made, "events", 0) if events else made.answers
            wrong += made.wrong or not made.answers

    await asyncio.gather(*[one_after_another() for _ in range(connections)])
    return counted, wrong


async def load(
    port: int, request: bytes, status: bytes, seconds: float, connections: int, mode: str
) -> tuple[int, int, float]:
    """Return units of work, wrong answers, and the seconds it took."""
    started = time.monotonic()
    until = started + seconds
    async with asyncio.timeout(seconds + 20):
        if mode == "keep":
            counted, wrong = await keep(port, request, status, until, connections)
        else:
            counted, wrong = await anew(port, request, status, until, connections, events=mode == "stream")
    return counted, wrong, time.monotonic() - started


if __name__ == "__main__":
    port, status, seconds, connections, mode = sys.argv[1:6]
    arguments = int(port), sys.stdin.buffer.read(), status.encode(), float(seconds), int(connections), mode
    print(*uvloop.run(load(*arguments)))
