"""A bounded load on one loopback address: keep-alive connections that ask, read, and ask again.

Used where wrk is not installed. It counts whole answers and wrong statuses.
"""

import asyncio
import sys
import time

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, request: bytes, status: bytes, until: float) -> None:
        self.request, self.status, self.until = request, status, until
        self.buffer = b""
        self.answers = self.wrong = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.answers += 1
        self.wrong += head[9:12] != self.status
        if time.monotonic() < self.until:
            self.transport.write(self.request)
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def load(port: int, request: bytes, status: bytes, seconds: float, connections: int) -> tuple[int, int, float]:
    """Return answers, wrong answers, and the seconds it took."""
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    made = [
        (await loop.create_connection(lambda: Connection(request, status, started + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + 10):
        await asyncio.gather(*[each.done for each in made])
    return sum(e.answers for e in made), sum(e.wrong for e in made), time.monotonic() - started


if __name__ == "__main__":
    port, status, seconds, connections = sys.argv[1:5]
    result = uvloop.run(load(int(port), sys.stdin.buffer.read(), status.encode(), float(seconds), int(connections)))
    print(*result)
