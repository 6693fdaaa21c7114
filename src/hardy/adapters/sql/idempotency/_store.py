"""The store of outcomes that writes in the transaction of the call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from types import TracebackType
from typing import Self, cast

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql._session import Session
from hardy.adapters.sql.idempotency._steps import STEPS
from hardy.core import Clock, Emit, Notice, Notices, SystemClock
from hardy.lifecycle import Beside, Tasks
from hardy.resilience import Claim, Claimed, IdempotencyKeyInUse, IdempotencyStore, Kept

_SWEEP = 60.0
"""Seconds between two deletions of what has expired."""
_AT_ONCE = 1000
"""Outcomes deleted in one transaction."""
_RETRY_AFTER = 1.0

_FIND = "select fingerprint, outcome from hardy_idempotency where key = :key and expires > :now"
_LOCK = "select pg_try_advisory_xact_lock(:number)"
_FIND_OR_LOCK = """
    select kept.fingerprint, kept.outcome,
        case when kept.key is null then pg_try_advisory_xact_lock(:number) end as locked
    from (select 1) as one left join hardy_idempotency as kept on kept.key = :key and kept.expires > :now
"""
# What has expired and is not deleted yet gives way; what is there has won.
_KEEP = """
    insert into hardy_idempotency (key, fingerprint, outcome, expires)
    values (:key, :fingerprint, :outcome, :expires)
    on conflict (key) do update
    set fingerprint = excluded.fingerprint, outcome = excluded.outcome, expires = excluded.expires
    where hardy_idempotency.expires <= :now
"""
_FORGET = {
    "sqlite": """
        delete from hardy_idempotency where key in
        (select key from hardy_idempotency where expires <= :now limit :most)
    """,
    "postgresql": """
        delete from hardy_idempotency where key in
        (select key from hardy_idempotency where expires <= :now limit :most for update skip locked)
    """,
}


@dataclass(frozen=True, slots=True)
class _Row:
    fingerprint: bytes
    outcome: bytes


@dataclass(frozen=True, slots=True)
class _State:
    fingerprint: bytes | None
    outcome: bytes | None
    locked: bool | None


@dataclass(frozen=True, slots=True)
class SqlIdempotencyStatistics:
    """What a store in the database has done."""

    claims: int
    """Keys under which this process carries a call out now."""
    kept: int
    """Outcomes written; those whose transaction was undone afterwards included."""
    found: int
    """Calls whose outcome was there already."""
    forgotten: int
    """Outcomes deleted because their time was over."""


class SqlIdempotency:
    """Remembers the outcome of a call in the transaction of its effects.

    ``app.manage(SqlIdempotency())``, after the `Database`. What a use case
    writes with its `Session` and the memory that it was done become true in one
    commit: a process that dies before it has done nothing, and the call runs
    again when it comes again; one that dies after it has answered nobody, and the call is
    answered with what was kept. Effects outside of the database are not part of that.

    While a call is carried out its key is claimed, without a row: in this
    process by a set, and on PostgreSQL among all by an advisory lock of the transaction
    (``pg_try_advisory_xact_lock``), which ends with it however it ends.
    On SQLite several processes do not see one another's claims; the second to commit fails with ABORTED,
    its effects are undone, and trying again finds the outcome of the first.

    Outcomes that have expired are deleted once a minute, by every process that serves.

    Args:
        clock: What says when an outcome has expired, by its wall clock; the app's own when it is managed by one.
    """

    port = IdempotencyStore
    schema_steps: Sequence[SchemaStep] = STEPS

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._given = clock is not None
        self._database: Database | None = None
        self._emit: Emit = _nobody
        self._claims: dict[str, Claim] = {}
        self._tasks: Tasks | None = None
        self._beside = False
        self._kept = self._found = self._forgotten = self._ended = 0

    @property
    def within(self) -> type[object] | None:
        """The session of the call."""
        return Session

    def wire(
        self,
        *,
        database: Database,
        clock: Clock | None = None,
        notices: Notices | None = None,
        beside: Beside | None = None,
    ) -> None:
        """Say where outcomes are kept, and whether others delete those that have expired."""
        self._database = database
        self._beside = beside is not None
        self._emit = notices or _nobody
        if clock is not None and not self._given:
            self._clock = clock

    async def __aenter__(self) -> Self:
        """Begin to delete what expires."""
        if not self._beside:
            self._tasks = await Tasks(self._emit).__aenter__()
            self._tasks.start("idempotency", self._sweep)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop that."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            await tasks.__aexit__(kind, error, trace)

    async def begin(
        self, key: str, fingerprint: bytes, *, lease: float, within: object = None
    ) -> Claim | Claimed | Kept:
        """Claim *key* for as long as the transaction *within* lasts, or tell who has it or what came of it."""
        session = cast("Session", within)
        if key in self._claims:
            return self._held(key)
        ended = self._ended
        free = await self._look_and_lock(key, session) if session.dialect == "postgresql" else None
        found = free or await self._look(key, session)
        if found is not None:
            return found
        # Claimed only now: who looks for an outcome must not be in the way of others who do.
        if key in self._claims:
            return self._held(key)
        claim = self._claims[key] = Claim(key, fingerprint, token_hex(8))
        if ended == self._ended:  # nothing was committed here since it was looked for
            return claim
        try:
            found = await self._look(key, session)
        except BaseException:
            await self.release(claim)
            raise
        if found is not None:
            await self.release(claim)
        return found or claim

    def _held(self, key: str) -> Claimed:
        held = self._claims.get(key)
        return Claimed(None if held is None else held.fingerprint, _RETRY_AFTER)

    async def _look_and_lock(self, key: str, session: Session) -> Claimed | Kept | None:
        """Return what is kept, or lock; with the lock it has to be looked again, by a statement that sees what came."""
        state = await session.first(_State, _FIND_OR_LOCK, key=key, now=self._now(), number=_number(key))
        assert state is not None
        if state.fingerprint is not None and state.outcome is not None:
            self._found += 1
            return Kept(state.fingerprint, state.outcome)
        return None if state.locked else self._held(key)

    async def _look(self, key: str, session: Session) -> Kept | None:
        if session.dialect == "postgresql" or self._opened.worker_local:
            row = await session.first(_Row, _FIND, key=key, now=self._now())
        else:
            # Read in the call's own transaction it would have to fail whenever somebody else writes before it does.
            async with self._opened.transaction(read_only=True) as apart:
                row = await apart.first(_Row, _FIND, key=key, now=self._now())
        if row is None:
            return None
        self._found += 1
        return Kept(row.fingerprint, row.outcome)

    async def keep(self, claim: Claim, outcome: bytes, *, lifetime: float, within: object = None) -> bool:
        """Remember *outcome* in the transaction *within*, or in one of its own.

        Raises:
            IdempotencyKeyInUse: Another process has committed a call under this key.
        """
        if within is None:
            async with self._opened.transaction() as session:
                if session.dialect == "postgresql" and not await session.first(bool, _LOCK, number=_number(claim.key)):
                    return False
                return await self._write(claim, outcome, lifetime, session)
        if not await self._write(claim, outcome, lifetime, cast("Session", within)):
            raise IdempotencyKeyInUse(
                "a call with this Idempotency-Key was carried out meanwhile", retry_after=_RETRY_AFTER
            )
        return True

    async def _write(self, claim: Claim, outcome: bytes, lifetime: float, session: Session) -> bool:
        now = self._now()
        written = await session.execute(
            _KEEP,
            key=claim.key,
            fingerprint=claim.fingerprint,
            outcome=outcome,
            expires=now + lifetime,
            now=now,
        )
        self._kept += written
        return written == 1

    async def release(self, claim: Claim) -> None:
        """Forget that this process carries the call out; the lock went with the transaction."""
        if self._claims.get(claim.key) is claim:
            del self._claims[claim.key]
            self._ended += 1

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise RuntimeError("a store is wired before it is used: store.wire(database=...)")
        return self._database

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _sweep(self) -> None:
        while True:
            gone = await self.forget()
            await asyncio.sleep(0.01 if gone == _AT_ONCE else _SWEEP)

    async def forget(self) -> int:
        """Delete some of what has expired; return how much."""
        async with self._opened.transaction() as session:
            gone = await session.execute(_FORGET[session.dialect], now=self._now(), most=_AT_ONCE)
        self._forgotten += gone
        return gone

    def statistics(self) -> SqlIdempotencyStatistics:
        """Return what it has done."""
        return SqlIdempotencyStatistics(
            claims=len(self._claims), kept=self._kept, found=self._found, forgotten=self._forgotten
        )


def _number(key: str) -> int:
    """Return the advisory lock of *key*: 64 bits, shared with another key once in a long while, which then waits."""
    return int.from_bytes(sha256(f"hardy_idempotency:{key}".encode()).digest()[:8], "big", signed=True)


def _nobody(notice: Notice) -> None:
    """Tell nobody."""
