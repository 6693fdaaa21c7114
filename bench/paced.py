"""Latency of a server that is asked at a steady pace, whether it keeps up or not: ``python paced.py PORT RATE SECONDS``.

An open loop: each request has its moment, and its latency counts from there,
also when it had to wait for a connection to become free. A closed loop would
ask less while the server is slow, and leave out what it wants to know
(Gil Tene's "coordinated omission"). The loop polls instead of sleeping, for a
timer would be a millisecond late.
"""

import asyncio
import sys
import time
from typing import cast

import uvloop

CONNECTIONS = 64


class Connection(asyncio.Protocol):
    """One connection; free while nothing is asked on it."""

    def __init__(self, pace: "Pace") -> None:
        self.pace = pace
        self.due = 0.0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if not found or len(rest) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return
        self.buffer = b""
        self.pace.latencies.append(time.perf_counter() - self.due)
        self.pace.free.append(self)


class Pace:
    """Sends each request at its moment, or as soon as a connection is free."""

    def __init__(self, request: bytes, rate: float, seconds: float) -> None:
        self.request, self.step, self.count = request, 1 / rate, int(rate * seconds)
        self.latencies: list[float] = []
        self.free: list[Connection] = []

    async def run(self, port: int) -> list[float]:
        """Return the latencies, in seconds."""
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            self.free.append((await loop.create_connection(lambda: Connection(self), "127.0.0.1", port))[1])
        begun, sent = time.perf_counter() + 0.05, 0
        async with asyncio.timeout(self.count * self.step + 20):
            while len(self.latencies) < self.count:
                now = time.perf_counter()
                while sent < self.count and self.free and (due := begun + sent * self.step) <= now:
                    connection = self.free.pop()
                    connection.due = due
                    connection.transport.write(self.request)
                    sent += 1
                await asyncio.sleep(0)
        return sorted(self.latencies)


def percentile(latencies: list[float], share: float) -> float:
    """Return the latency that *share* of all do not exceed, in milliseconds."""
    return latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000


if __name__ == "__main__":
    pace = Pace(sys.stdin.buffer.read(), float(sys.argv[2]), float(sys.argv[3]))
    found = uvloop.run(pace.run(int(sys.argv[1])))
    print(*[round(percentile(found, share), 3) for share in (0.5, 0.9, 0.99, 0.999)])
