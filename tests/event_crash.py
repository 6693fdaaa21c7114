"""Processes that write, relay and consume events, and are killed with SIGKILL at any moment.

Run as a program, so that children are forked from a process that has imported
everything and has neither threads nor a loop: a start takes milliseconds.

    python event_crash.py writers URL FOLDER KILLS SEED
    python event_crash.py relays URL FOLDER EVENTS INTERVAL SEED [NATS_URL]
"""

import asyncio
import ctypes
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiosqlite  # noqa: F401  # imported once, here
import asyncpg  # noqa: F401  # as above

from event_sink import COUNTED, Counted
from hardy import App, internal
from hardy.adapters.nats import Nats, NatsSettings
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.adapters.sql.outbox import Inbox, Outbox, OutboxSettings
from hardy.app import Assembly, Service
from hardy.core import BuildFailed, Error
from hardy.messaging import Envelope
from hardy.transport import events

KEYS = [f"k{n}" for n in range(20)]
TABLES = """
create table counters (key text primary key, n integer not null);
create table orders (key text not null, n integer not null, primary key (key, n));
create table effects (seq {serial}, key text not null, n integer not null);
"""


def database(url: str, schema: str | None = None) -> Database:
    return Database(DatabaseSettings(url=url, durable=False, acquire_timeout=60), schema=schema)


def schema(url: str) -> str:
    postgres = url.startswith("postgresql")
    steps = [each.postgresql if postgres else each.sqlite for each in (*Outbox.schema_steps, *Inbox.schema_steps)]
    serial = "bigint generated always as identity primary key" if postgres else "integer primary key autoincrement"
    counters = "".join(f"insert into counters values ('{key}', 0);\n" for key in KEYS)
    return ";\n".join([*steps, TABLES.format(serial=serial), counters])


def fork(work: Callable[[], object]) -> int:
    """Do *work* in a child, which dies with this process; return its id."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            die_with_parent()
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def die_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def in_child(work: Callable[[], Awaitable[object]]) -> object:
    """Run *work* in a child that nobody kills, and return its result."""
    reading, writing = os.pipe()
    child = fork(lambda: os.write(writing, json.dumps(asyncio.run(work())).encode()))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("a child that nobody killed has failed")
    return json.loads(text)


@dataclass
class Child:
    """A child that is killed some day, but not before it has begun to work."""

    pid: int
    ready: int

    @classmethod
    def begin(cls, work: Callable[[int], Awaitable[object]]) -> "Child":
        """Start *work*, which says by one byte to its argument that it has begun."""
        reading, writing = os.pipe()
        pid = fork(lambda: asyncio.run(work(writing)))
        os.close(writing)
        return cls(pid, reading)

    def has_begun(self) -> None:
        """Wait until it has."""
        os.read(self.ready, 1)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.ready)
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit("a child ended before it was killed")


class FileSink:
    """A broker that is a file: each event is one appended line."""

    def __init__(self, path: Path, pause: float) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._pause = pause

    async def publish(self, envelopes: Sequence[Envelope], /) -> None:
        for each in envelopes:
            await asyncio.sleep(self._pause)
            os.write(self._file, each.id.encode() + b" " + each.data + b"\n")


async def count_up(opened: Database, outbox: Outbox, key: str, pause: float = 0) -> int:
    """Write the next order of a key and its event, in one transaction; return its number."""
    async with opened.transaction(write=True) as session:
        await session.execute("update counters set n = n + 1 where key = :key", key=key)
        n = await session.first(int, "select n from counters where key = :key", key=key)
        assert n is not None
        await session.execute("insert into orders (key, n) values (:key, :n)", key=key, n=n)
        await outbox.events(session).publish(Counted(key, n))
        await asyncio.sleep(pause)
    return n


# Writers --------------------------------------------------------------------------------------------------------


async def write_and_relay(url: str, folder: Path, seed: int, ready: int) -> None:
    dice = random.Random(seed)
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async with database(url) as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(lease=1, poll=0.02, batch=20))
        outbox.wire(database=opened, publisher=FileSink(folder / "sent", 0.0005))
        async with outbox:

            async def write() -> None:
                while True:
                    key = dice.choice(KEYS)
                    n = await count_up(opened, outbox, key)
                    os.write(acknowledged, f"{key} {n}\n".encode())

            writing = [asyncio.create_task(write()) for _ in range(3)]
            os.write(ready, b".")
            await asyncio.gather(*writing)


def writers(url: str, folder: Path, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    in_child(lambda: make(url))
    for n in range(kills):
        child = Child.begin(lambda ready, n=n: write_and_relay(url, folder, seed + n, ready))
        child.has_begun()
        time.sleep(dice.uniform(0, 0.08))  # the moment of the kill
        child.kill()
    in_child(lambda: finish(url, folder))


async def make(url: str) -> None:
    async with database(url, schema(url)):
        pass


async def finish(url: str, folder: Path) -> None:
    """Relay what is left."""
    async with database(url) as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(relay=False, lease=1))
        outbox.wire(database=opened, publisher=FileSink(folder / "sent", 0))
        async with outbox:
            while await left(opened):
                await outbox.flush()
                await asyncio.sleep(0.05)  # the leases of the killed have to end


async def left(opened: Database) -> int:
    async with opened.transaction() as session:
        return await session.first(int, "select count(*) from hardy_outbox where state <> 'sent'") or 0


# Relays ---------------------------------------------------------------------------------------------------------


async def consume(event: Counted, *, session: Session) -> None:
    """Count the effect."""
    await session.execute("insert into effects (key, n) values (:key, :n)", key=event.key, n=event.n)


async def serve(url: str, nats_url: str, ready: int) -> None:
    """A whole service: relay and consumer."""
    app = App("crash")
    app.manage(Database(DatabaseSettings(url=url, acquire_timeout=60, migrate="ignore")))
    app.manage(Nats(NatsSettings(url=nats_url, partitions=8, ack_wait=1, connect_timeout=30, publish_timeout=10)))
    app.manage(Outbox({Counted: COUNTED}, OutboxSettings(lease=0.5, poll=0.02, batch=20)))
    app.manage(Inbox())
    app.expose(consume, events.topic("counted"), allow=internal)
    with open(os.devnull, "w") as log:  # noqa: PTH123  # before anything runs
        async with Service(Assembly(app, log=log, check_replies=False)):
            os.write(ready, b".")
            await asyncio.Event().wait()


async def relay(url: str, folder: Path, pause: float, ready: int) -> None:
    async with database(url) as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(lease=0.5, poll=0.02, batch=20 if pause else 200))
        outbox.wire(database=opened, publisher=FileSink(folder / "sent", pause))
        async with outbox:
            os.write(ready, b".")
            await asyncio.Event().wait()


async def produce(url: str, count: int, seed: int) -> None:
    """Write *count* events, of all keys at the same time, each committed after a moment of its own."""
    dice = random.Random(seed)
    numbers = iter(range(count))
    async with database(url) as opened:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(relay=False))
        outbox.wire(database=opened, publisher=FileSink(Path(os.devnull), 0))
        async with outbox:

            async def write() -> None:
                for _ in numbers:
                    pause = dice.choice((0, 0, 0.003, 0.01)) if url.startswith("postgresql") else 0
                    await count_up(opened, outbox, dice.choice(KEYS), pause)

            await asyncio.gather(*(write() for _ in range(4 if count <= 2000 else 32)))


async def progress(url: str, nats_url: str) -> int:
    """How many events are through; -1 while the machine is too busy to say."""
    sent = "select count(*) from hardy_outbox where state = 'sent'"
    try:
        async with database(url) as opened, opened.transaction() as session:
            return await session.first(int, "select count(*) from effects" if nats_url else sent) or 0
    except (Error, BuildFailed):
        return -1


def relays(url: str, folder: Path, count: int, interval: float, seed: int, nats_url: str = "") -> None:
    dice = random.Random(seed)
    pause = 0.004 if count <= 2000 else 0
    in_child(lambda: make(url))

    def start() -> Child:
        if nats_url:
            return Child.begin(lambda ready: serve(url, nats_url, ready))
        return Child.begin(lambda ready: relay(url, folder, pause, ready))

    producer = Child.begin(lambda ready: produce(url, count, seed))
    running = [start() for _ in range(4)]
    kills = 0
    until = time.monotonic() + 600 + count / 50
    while time.monotonic() < until:
        time.sleep(interval)
        victim = dice.randrange(4)
        running[victim].has_begun()
        running[victim].kill()
        kills += 1
        running[victim] = start()
        if kills % 5 == 0 and in_child(lambda: progress(url, nats_url)) == count:
            break
    for child in running:
        child.kill()
    _, status = os.waitpid(producer.pid, 0)
    if status:
        raise SystemExit("the producer has failed")
    (folder / "kills").write_text(str(kills))


def main() -> None:
    die_with_parent()
    what, url, folder, *rest = sys.argv[1:]
    if what == "writers":
        writers(url, Path(folder), int(rest[0]), int(rest[1]))
    else:
        relays(url, Path(folder), int(rest[0]), float(rest[1]), int(rest[2]), *rest[3:])


if __name__ == "__main__":
    main()
