"""The outbox's table: what is written, taken, and settled."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._session import Session
from hardy.adapters.sql.outbox._line import Line
from hardy.adapters.sql.outbox._steps import PARTS
from hardy.adapters.sql.outbox._words import parts_of, words_for
from hardy.messaging import DeadLetter, Envelope

LONGEST_ERROR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event that waits."""

    position: int
    id: str
    topic: str
    key: str | None
    type: str
    data: bytes
    headers: str
    time: str
    attempts: int

    @property
    def envelope(self) -> Envelope:
        """The event as it is published."""
        return Envelope(
            id=self.id,
            topic=self.topic,
            key=self.key,
            type=self.type,
            data=self.data,
            headers=json.loads(self.headers),
            time=datetime.fromisoformat(self.time),
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """What is to become of an event that could not be published."""

    row: Row
    reason: str
    delay: float | None
    """Seconds until it is tried again; ``None`` for a dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How the table is now."""

    waiting: int
    dead: int
    lag: float | None
    """Seconds since the oldest waiting event was written."""
    held_back: int
    """Committed events behind a transaction that is still open."""
    held_for: float | None
    """Seconds since the oldest of those was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    id: str
    topic: str
    key: str | None
    type: str
    data: bytes
    reason: str | None
    attempts: int
    time: str


_NOTHING = Facts(waiting=0, dead=0, lag=None, held_back=0, held_for=None)


async def write(session: Session, envelopes: Sequence[Envelope]) -> None:
    """Write *envelopes* in the transaction of *session*."""
    words = words_for(session.dialect)
    if len(envelopes) > 1 and words.insert_many:
        rows = [{**_columns(each), "n": n, "data": _text(each.data)} for n, each in enumerate(envelopes)]
        await session.execute(words.insert_many, rows=json.dumps(rows))
        return
    for each in envelopes:
        await session.execute(words.insert, data=each.data, **_columns(each))


def _columns(envelope: Envelope) -> dict[str, object]:
    return {
        "id": envelope.id,
        "topic": envelope.topic,
        "key": envelope.key,
        "part": part_of(envelope),
        "type": envelope.type,
        "headers": json.dumps(dict(envelope.headers)),
        "time": envelope.time.isoformat(),
    }


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def part_of(envelope: Envelope) -> int:
    """Return the part that an event belongs to: the same for all of one key, in every process."""
    name = f"{envelope.topic}\0{envelope.id if envelope.key is None else envelope.key}"
    return crc32(name.encode()) % PARTS


class Store:
    """What relays do with the table, each step a transaction of its own.

    Args:
        database: Where it is.
        owner: Names this relay among others.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._words = words_for(database.dialect)
        self.line = Line(database)

    async def free(self) -> list[int]:
        """Return parts that have something to send and belong to nobody."""
        line = await self.line.advance()
        async with self._database.transaction() as session:
            return await session.all(int, self._words.free, owner=self._owner, line=line)

    async def claim(self, parts: list[int], lease: float) -> list[int]:
        """Take *parts* for so many seconds; return those that nobody else took meanwhile."""
        async with self._database.transaction(write=True) as session:
            given = parts_of(parts)
            return await session.all(int, self._words.claim, owner=self._owner, lease=float(lease), **given)

    async def read(self, parts: list[int], batch: int) -> list[Row]:
        """Return what is to be sent of *parts*, in order."""
        async with self._database.transaction() as session:
            given = parts_of(parts)
            return await session.all(Row, self._words.read, batch=batch, line=self.line.at, **given)

    async def settle(
        self, parts: list[int], sent: Sequence[Row], failed: Sequence[Failed], *, keep: bool, hold: bool
    ) -> None:
        """Write down what became of the events, and give *parts* back."""
        words = self._words
        async with self._database.transaction(write=True) as session:
            if sent:
                positions = json.dumps([each.position for each in sent])
                await session.execute(words.sent if keep else words.remove, positions=positions)
            for each in failed:
                row, attempts, error = each.row, each.row.attempts + 1, each.reason[:LONGEST_ERROR]
                if each.delay is None:
                    await session.execute(
                        words.dead, position=row.position, attempts=attempts, stuck=int(hold), error=error
                    )
                else:
                    delay = float(each.delay)
                    await session.execute(
                        words.again, position=row.position, attempts=attempts, delay=delay, error=error
                    )
            await session.execute(words.release, owner=self._owner, **parts_of(parts))

    async def sweep(self, keep: float) -> int:
        """Delete some of what was sent more than *keep* seconds ago; return how much."""
        async with self._database.transaction() as session:
            return await session.execute(self._words.sweep, keep=float(keep))

    async def facts(self) -> Facts:
        """Return how the table is now."""
        line = await self.line.advance()
        async with self._database.transaction() as session:
            found = await session.first(Facts, self._words.facts, line=line)
        if found is None or (since := self.line.held_for) is None:
            # Nothing is behind an open transaction: what is behind the line was written a moment ago.
            return replace(found or _NOTHING, held_back=0, held_for=None)
        # What waited before anybody looked, as after a night without a relay, was not held back for so long.
        return replace(found, held_for=None if found.held_for is None else min(found.held_for, since))


async def dead_letters(database: Database, limit: int) -> list[DeadLetter]:
    """Return the oldest dead letters."""
    async with database.transaction() as session:
        found = await session.all(_Letter, words_for(database.dialect).letters, limit=limit)
    return [
        DeadLetter(
            id=each.id,
            topic=each.topic,
            key=each.key,
            group="outbox",
            type=each.type,
            data=each.data,
            reason=each.reason or "",
            attempts=each.attempts,
            time=datetime.fromisoformat(each.time),
        )
        for each in found
    ]


async def replay(database: Database, ids: Sequence[str]) -> int:
    """Let dead letters be sent as if for the first time; all when none are named."""
    async with database.transaction(write=True) as session:
        words = words_for(database.dialect)
        return await session.execute(words.replay, every=int(not ids), ids=json.dumps(list(ids)))


async def discard(database: Database, ids: Sequence[str]) -> int:
    """Delete dead letters, so that what comes after them is sent."""
    async with database.transaction(write=True) as session:
        words = words_for(database.dialect)
        return await session.execute(words.discard, every=0, ids=json.dumps(list(ids)))
