"""The component: brings `Events`, and relays what was committed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql._session import Session
from hardy.adapters.sql.outbox._events import SqlEvents
from hardy.adapters.sql.outbox._relay import Relay
from hardy.adapters.sql.outbox._settings import OutboxSettings
from hardy.adapters.sql.outbox._statistics import Counts, OutboxStatistics
from hardy.adapters.sql.outbox._steps import OUTBOX
from hardy.adapters.sql.outbox._store import Store, dead_letters, discard, replay
from hardy.cache import Leader, Lock, leader
from hardy.core import Diagnostic, Emit, Events, Notice, Notices
from hardy.lifecycle import Beside, Restart, Tasks
from hardy.messaging import Catalogue, DeadLetter, Publisher, Retry, Topic

_PATIENCE = 2.0
"""Seconds that a round has to end when the service does."""


class Outbox:
    """Events that are published if, and only if, the transaction of their call is committed.

    ``app.manage(Outbox({OrderPlaced: events.topic("orders.placed", key="order_id")}))``,
    after a `Database` and a broker, brings the need `hardy.Events`. What a call
    publishes is written into its transaction; a relay in the background hands
    it to the broker: at least once, and in order per topic and key. Several
    relays, in several processes, share the work.

    On PostgreSQL the relay never passes a transaction that is still open, so
    that what is committed late is not sent late out of order; everything that
    was written after such a transaction began waits for its end
    (``held_back`` in `statistics`, `OutboxHeldBack`).

    An event that the broker refuses is tried again, and in the end is a dead
    letter, which holds back the events of its key until it is replayed or
    discarded (``on_dead="skip"``: does not). While the broker is not there,
    events wait, and nothing is counted against them.

    What was sent is kept for a while. Where the app manages a `Lock` before the outbox, one
    relay of all deletes it afterwards, the leader; otherwise each does.

    Args:
        topics: The classes of events, each with its topic.
        settings: How they are handed on.
        retry: When an event that was refused is tried again; ``attempts`` are
            those of *settings* when left out.
    """

    schema_steps: Sequence[SchemaStep] = OUTBOX

    def __init__(
        self,
        topics: Mapping[type, Topic],
        settings: OutboxSettings | None = None,
        *,
        retry: Retry | None = None,
    ) -> None:
        self.topics = dict(topics)
        """The classes of events, each with its topic."""
        self._settings = settings or OutboxSettings()
        self._retry = retry or Retry(attempts=self._settings.attempts)
        self._catalogue = Catalogue(self.topics)
        self._counts = Counts()
        self._database: Database | None = None
        self._publisher: Publisher | None = None
        self._notices: Notices | None = None
        self._emit: Emit = _nobody
        self._relay: Relay | None = None
        self._tasks: Tasks | None = None
        self._beside = False
        self._lock: Lock | None = None
        self._leader: Leader | None = None

    def wire(
        self,
        *,
        database: Database,
        publisher: Publisher,
        notices: Notices | None = None,
        lock: Lock | None = None,
        beside: Beside | None = None,
    ) -> None:
        """Say where events are written and go, who is told, by what the leader is found, and whether others relay."""
        self._database, self._publisher, self._lock = database, publisher, lock
        self._notices = notices
        self._beside = beside is not None
        self._emit = notices or _nobody

    def check(self) -> Sequence[Diagnostic]:
        """Return every event that cannot be published as it is mapped."""
        return self._catalogue.check()

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what the component brings: `Events`, once per call."""

        def events(session: Session) -> Events:
            return self.events(session)

        return (events,)

    def events(self, session: Session) -> Events:
        """Return what publishes in the transaction of *session*, for streams and background work."""
        return SqlEvents(session, self._catalogue, self._written)

    def _written(self, count: int) -> None:
        self._counts.written += count
        if self._relay is not None:
            self._relay.wake()

    async def __aenter__(self) -> Self:
        """Begin to relay."""
        database, publisher = self._parts()
        store, settings = Store(database, uuid4().hex), self._settings
        lock = None if database.worker_local else self._lock  # what nobody else sees nobody else can sweep
        self._relay = relay = Relay(
            store, publisher, settings, retry=self._retry, counts=self._counts, emit=self._emit, sweeps=lock is None
        )
        if settings.relay and not self._beside:  # whose broker may be another than that of the consumers
            self._tasks = await Tasks(self._emit).__aenter__()
            self._tasks.start("outbox relay", relay.run, restart=Restart(first=0.2, most=5.0))
            if lock is not None and settings.keep:
                self._leader = leader(f"outbox {_place_of(database)}", lambda _: relay.sweep(), lock=lock)
                self._leader.wire(notices=self._notices)
                await self._leader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop relaying; what is not sent stays for the next start."""
        tasks, self._tasks = self._tasks, None
        await self._abdicate()
        if tasks is not None:
            with suppress(TimeoutError):  # cancelled below, which is only ruder: what was sent may be sent again
                async with asyncio.timeout(_PATIENCE):
                    await self.drain()
        self._relay = None
        if tasks is not None:
            await tasks.__aexit__(kind, error, traceback)

    async def drain(self) -> None:
        """Begin no further round; return when what was begun is over."""
        if self._relay is not None:
            await self._relay.drain()
        await self._abdicate()

    async def _abdicate(self) -> None:
        leading, self._leader = self._leader, None
        if leading is not None:
            await leading.drain()

    async def flush(self) -> int:
        """Hand on all that can be handed on now, and return how many events were settled: for tests and scripts."""
        return 0 if self._relay is None else await self._relay.flush()

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest events that were given up."""
        return await dead_letters(self._parts()[0], limit)

    async def replay(self, *ids: str) -> int:
        """Let dead letters be sent as if for the first time, all when no *ids* are given; return how many."""
        count = await replay(self._parts()[0], ids)
        if self._relay is not None:
            self._relay.wake()
        return count

    async def discard(self, *ids: str) -> int:
        """Delete dead letters for good, so that the events behind them go on; return how many."""
        count = await discard(self._parts()[0], ids)
        if self._relay is not None:
            self._relay.wake()
        return count

    def statistics(self) -> OutboxStatistics:
        """Return what this process did, and how the table was when its relay last looked."""
        counts = self._counts
        facts = None if self._relay is None else self._relay.facts
        return OutboxStatistics(
            written=counts.written,
            sent=counts.sent,
            retried=counts.retried,
            died=counts.died,
            rounds=counts.rounds,
            waiting=facts.waiting if facts else 0,
            dead=facts.dead if facts else 0,
            lag=(facts.lag if facts else None) or 0.0,
            held_back=facts.held_back if facts else 0,
            held_for=(facts.held_for if facts else None) or 0.0,
        )

    def _parts(self) -> tuple[Database, Publisher]:
        if self._database is None or self._publisher is None:
            raise RuntimeError("an outbox is wired before it is used: outbox.wire(database=..., publisher=...)")
        return self._database, self._publisher


def _place_of(database: Database) -> str:
    """Return what tells the table from those of other services, which may share the lock's store."""
    url = urlsplit(database.settings.url)
    if database.process_local:  # a file: of this machine
        return f"{gethostname()}:{Path(url.path.removeprefix('/')).absolute()}"
    place = url.netloc.rpartition("@")[2] + url.path
    return f"{place} {crc32(url.query.encode()):08x}" if url.query else place  # which may hold a password


def _nobody(notice: Notice) -> None:
    """Tell nobody."""
