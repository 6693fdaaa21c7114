"""A service whose use case is work for the CPU, and the clients that ask too much of it.

``python busy.py serve`` serves on free ports and prints them; ``python busy.py load ...`` is the load.
"""

import asyncio
import json
import sys
import time

from hardy import App, public, run
from hardy.config import Settings
from hardy.transport import http

WORK = 0.002


async def work() -> str:
    """Keep the CPU busy for a while, without a break."""
    end = time.thread_time() + WORK
    while time.thread_time() < end:
        pass
    return "done"


async def steps() -> str:
    """Keep the CPU busy for as long, in four pieces with others in between."""
    for _ in range(4):
        end = time.thread_time() + WORK / 4
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0)
    return "done"


def build(settings: Settings) -> App:
    app = App("busy", settings)
    app.expose(work, http.post("/work"), allow=public)
    app.expose(steps, http.post("/steps"), allow=public)
    return app


class Tally:
    """What a load was answered."""

    def __init__(self) -> None:
        self.good: list[float] = []
        self.shed: list[float] = []
        self.good_behind: list[int] = []
        self.shed_behind: list[int] = []
        self.other: list[str] = []
        self.unhinted = 0

    def add(self, status: int, seconds: float, behind: int, head: bytes) -> None:
        """Note an answer: how long it took, and how many others were carried out while it was waited for."""
        if status == 200:
            self.good.append(seconds)
            self.good_behind.append(behind)
        elif status == 503:
            self.shed.append(seconds)
            self.shed_behind.append(behind)
            self.unhinted += b"\r\nretry-after: " not in head
        else:
            self.other.append(str(status))

    def report(self, seconds: float) -> dict[str, object]:
        return {
            "goodput": len(self.good) / seconds,
            "shed": len(self.shed) / seconds,
            "good": quantiles(self.good),
            "refused": quantiles(self.shed),
            "good_behind": middle(self.good_behind),
            "refused_behind": middle(self.shed_behind),
            "unhinted": self.unhinted,
            "other": self.other[:5],
        }


def middle(values: list[int]) -> int:
    """Return the median."""
    return sorted(values)[len(values) // 2] if values else 0


def quantiles(values: list[float]) -> list[float]:
    """Return median, 99th percentile and largest, in milliseconds."""
    ordered = sorted(values) or [0.0]
    return [round(ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000, 2) for part in (0.5, 0.99, 1.0)]


class Client(asyncio.Protocol):
    """One connection that asks and times the answers."""

    def __init__(self, request: bytes, tally: Tally, loop: asyncio.AbstractEventLoop) -> None:
        self.request, self.tally, self.loop = request, tally, loop
        self.data = b""
        self.asked = 0.0
        self.done_before = 0
        self.answered: asyncio.Future[None] | None = None
        self.lost = False

    def connection_made(self, transport) -> None:
        self.transport = transport

    def connection_lost(self, exc) -> None:
        self.lost = True
        if self.answered is not None and not self.answered.done():
            self.tally.other.append("lost")
            self.answered.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self.data = b""
        self.tally.add(int(head[9:12]), time.monotonic() - self.asked, len(self.tally.good) - self.done_before, head)
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(None)

    async def ask(self, since: float | None = None) -> None:
        self.asked = since or time.monotonic()
        self.done_before = len(self.tally.good)
        self.answered = self.loop.create_future()
        self.transport.write(self.request)
        await self.answered


async def load(port: int, path: str, mode: str, amount: float, seconds: float) -> dict[str, object]:
    """Ask: ``closed`` with *amount* clients each at once again, ``open`` with *amount* requests per second."""
    loop = asyncio.get_running_loop()
    request = f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n".encode()
    tally = Tally()
    free: asyncio.LifoQueue[Client] = asyncio.LifoQueue()

    async def connect() -> Client:
        _, client = await loop.create_connection(lambda: Client(request, tally, loop), "127.0.0.1", port)
        return client

    end = loop.time() + seconds
    if mode == "closed":

        async def again(client: Client) -> None:
            while loop.time() < end and not client.lost:
                await client.ask()

        clients = [await connect() for _ in range(int(amount))]
        end = loop.time() + seconds
        await asyncio.gather(*map(again, clients))
        return tally.report(seconds)

    async def once(since: float) -> None:
        client = await free.get()
        await client.ask(since)
        free.put_nowait(client)

    for _ in range(120):
        free.put_nowait(await connect())
    started = time.monotonic()
    asked: set[asyncio.Task[None]] = set()
    sent = 0
    while (now := time.monotonic()) < started + seconds:
        due = int((now - started) * amount)
        while sent < due:
            task = asyncio.create_task(once(started + sent / amount))
            asked.add(task)
            task.add_done_callback(asked.discard)
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.wait(asked, timeout=10) if asked else None
    return tally.report(seconds) | {"sent": sent / seconds}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        run(build, argv=[])
    else:
        _, _, port, path, mode, amount, seconds = sys.argv
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            print(json.dumps(runner.run(load(int(port), path, mode, float(amount), float(seconds)))))
