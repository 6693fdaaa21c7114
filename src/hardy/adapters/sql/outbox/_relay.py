"""Hands events from the table to the publisher: at least once, in order per key, together with other relays."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from hardy.adapters.sql.outbox._settings import OutboxSettings
from hardy.adapters.sql.outbox._statistics import Counts
from hardy.adapters.sql.outbox._store import Facts, Failed, Row, Store
from hardy.core import Emit, Error, Internal, Unavailable, shielded
from hardy.messaging import (
    PATIENT,
    EventDied,
    EventRetried,
    OutboxHeldBack,
    Publisher,
    PublisherBack,
    PublisherLost,
    Retry,
    Unpublished,
)

_LOOK = 5.0
"""Seconds between two looks at the whole table, for statistics."""
_SWEEP = 60.0
"""Seconds between two deletions of what is kept long enough."""
_LONG_AGO = -1e9
_MARGIN = 0.7
"""The part of a lease that publishing may take."""


class Relay:
    """Sends what waits, round by round.

    Keys are spread over parts, and a relay leases some of them for a round, so
    that several relays share the work and a key is with one at a time. One
    that is killed leaves its lease behind, which ends by itself. One that is
    merely late, and goes on after its lease has ended, can send nothing ahead
    of what others have sent: it repeats, with the same ids.

    Args:
        store: The table.
        publisher: Where events go.
        settings: How it is done.
        retry: When an event that was refused is tried again.
        counts: What it counts in.
        emit: Told what happens.
        sweeps: Whether it deletes what was sent long ago between its rounds; otherwise somebody calls `sweep`.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        settings: OutboxSettings,
        *,
        retry: Retry,
        counts: Counts,
        emit: Emit,
        sweeps: bool = True,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._settings = settings
        self._retry = retry
        self._counts = counts
        self._batch = settings.batch
        self._emit = emit
        self._sweeps = sweeps
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._lost_since: float | None = None
        self._losses = self._held = 0
        self._looked = self._swept = self._warned = _LONG_AGO
        self.facts = Facts(waiting=0, dead=0, lag=None, held_back=0, held_for=None)
        """How the table was when it was last looked at."""

    def wake(self) -> None:
        """Look for events at once; while the broker is away that would only be work for nothing."""
        if not self._losses:
            self._woken.set()

    async def run(self) -> None:
        """Send what there is and what comes, until drained or cancelled."""
        self._idle.clear()
        try:
            while not self._draining:
                self._woken.clear()
                delay = await self._next()
                if delay > 0 and not self._draining:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(delay):
                            await self._woken.wait()
        finally:
            self._idle.set()

    async def _next(self) -> float:
        """Do what is to be done; return the seconds until there is more."""
        more = await self._keep_house()
        if await self.round():
            self._held = 0
            return 0.0
        if self._losses:
            return Retry(first=0.1, most=5.0).delay(self._losses)
        if more:
            return 0.01
        if self._store.line.is_held:  # nobody wakes us when the transaction that holds it is over
            self._held += 1
            return min(self._settings.poll, 0.002 * 2.0 ** min(self._held, 20))
        self._held = 0
        return self._settings.poll

    async def _keep_house(self) -> bool:
        """Look at the table and delete what is old, each from time to time; return whether there is more of that."""
        now = monotonic()
        if now - self._looked >= min(_LOOK, self._settings.warn_after):
            self._looked = now
            await self._look()
        if not self._sweeps or not self._settings.keep or now - self._swept < _SWEEP:
            return False
        more = bool(await self._store.sweep(self._settings.keep))
        self._swept = _LONG_AGO if more else now
        return more

    async def sweep(self) -> None:
        """Delete what is old from time to time, until cancelled: for one relay of all."""
        while True:
            more = 0
            with suppress(Unavailable):  # its rounds tell of that, and what is old can wait
                more = await self._store.sweep(self._settings.keep)
            await asyncio.sleep(0.01 if more else _SWEEP)

    async def drain(self) -> None:
        """Begin nothing new; return when what was begun is over."""
        self._draining = True
        self._woken.set()
        await self._idle.wait()

    async def flush(self) -> int:
        """Send all that can be sent now; return how many were settled."""
        settled = 0
        while count := await self.round():
            settled += count
        return settled

    async def round(self) -> int:
        """Send some of what waits; return how many events were settled, 0 when there is nothing to do."""
        async with self._turn:
            parts = await self._store.free()
            if not parts:
                return 0
            claimed = await self._store.claim(parts, self._settings.lease)
            if not claimed:
                return 0
            return await self._send(claimed)

    async def _send(self, parts: list[int]) -> int:
        sent: Sequence[Row] = ()
        failed: Sequence[Failed] = ()
        try:
            rows = await self._store.read(parts, self._batch)
            failures = await self._publish(rows)
            sent = [row for row in rows if row.id not in failures]
            failed = self._judge([row for row in rows if row.id in failures], failures, lost=not sent)
        finally:
            # Cancelled or not: what was sent is written down, and the parts are free for others.
            keep, hold = self._settings.keep > 0, self._settings.on_dead == "hold"
            await shielded(self._store.settle(parts, sent, failed, keep=keep, hold=hold))
        self._count(sent, failed)
        return len(sent) + len(failed)

    async def _publish(self, rows: Sequence[Row]) -> Mapping[str, Error]:
        """Publish *rows*; return what went wrong, by id."""
        if not rows:
            return {}
        try:
            async with asyncio.timeout(self._settings.lease * _MARGIN):
                await self._publisher.publish([row.envelope for row in rows])
        except Unpublished as some:
            return some.failures
        except TimeoutError:
            # Some were sent, and nobody knows which: fewer at once, or a slow broker would be sent the same for ever.
            self._batch = max(1, self._batch // 4)
            return dict.fromkeys((row.id for row in rows), Unavailable("publishing took too long"))
        except Error as error:
            return dict.fromkeys((row.id for row in rows), error)
        except Exception as defect:  # of the adapter: the events are not lost for that, and not hurried
            failure = Internal(f"{type(defect).__name__}: {defect}")
            return dict.fromkeys((row.id for row in rows), failure)
        self._batch = min(self._settings.batch, self._batch * 2)
        return {}

    def _judge(self, rows: Sequence[Row], failures: Mapping[str, Error], *, lost: bool) -> Sequence[Failed]:
        """Return what becomes of the *rows* that were not sent: those behind another of their key simply wait."""
        if rows and lost and all(failures[row.id].code in PATIENT for row in rows):
            self._lose(failures[rows[0].id])
            return ()
        judged: list[Failed] = []
        keys: set[tuple[str, str]] = set()
        for row in rows:
            if row.key is not None:
                if (row.topic, row.key) in keys:
                    continue
                keys.add((row.topic, row.key))
            error = failures[row.id]
            delay = self._retry.decide(error.code, row.attempts + 1)
            judged.append(Failed(row, f"{error.code.name}: {error.message}", delay))
        return judged

    def _lose(self, error: Error) -> None:
        """Nothing at all could be sent, for a reason that passes: nothing is counted against the events."""
        self._losses += 1
        if self._lost_since is None:
            self._lost_since = monotonic()
            delay = Retry(first=0.1, most=5.0, jitter=lambda: 1.0).delay(self._losses)
            self._emit(PublisherLost(reason=f"{error.code.name}: {error.message}", delay=delay))

    def _count(self, sent: Sequence[Row], failed: Sequence[Failed]) -> None:
        counts = self._counts
        counts.rounds += 1
        counts.sent += len(sent)
        if sent or failed:
            if self._lost_since is not None:
                self._emit(PublisherBack(seconds=monotonic() - self._lost_since))
            self._lost_since, self._losses = None, 0
        for each in failed:
            row, attempt = each.row, each.row.attempts + 1
            if each.delay is None:
                counts.died += 1
                died = EventDied(
                    topic=row.topic, id=row.id, key=row.key, group="outbox", attempt=attempt, reason=each.reason
                )
                self._emit(died)
            else:
                counts.retried += 1
                asyncio.get_running_loop().call_later(each.delay, self.wake)
                self._emit(
                    EventRetried(
                        topic=row.topic,
                        id=row.id,
                        group="outbox",
                        attempt=attempt,
                        delay=each.delay,
                        reason=each.reason,
                    )
                )

    async def _look(self) -> None:
        self.facts = facts = await self._store.facts()
        limit = self._settings.warn_after
        if facts.held_for is not None and facts.held_for > limit and monotonic() - self._warned > limit:
            self._warned = monotonic()
            self._emit(OutboxHeldBack(seconds=facts.held_for, waiting=facts.held_back))
