"""The component: keeps jobs and claimed ticks in the service's own database."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql._session import Session
from hardy.adapters.sql.jobs._steps import STEPS
from hardy.adapters.sql.jobs._words import Words, words_for
from hardy.core import Clock, Jobs, SystemClock, Unavailable, new_call_id
from hardy.queueing import Claims, Job, JobRecord, JobState, JobStore, NewJob, QueuedJobs, Queues


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlJobsStatistics:
    """What this process has put and taken since it began."""

    enqueued: int
    """Jobs whose transaction was committed."""
    taken: int
    claimed: int
    """Ticks of schedules."""


@dataclass(slots=True)
class _Counts:
    enqueued: int = 0
    taken: int = 0
    claimed: int = 0


@dataclass(frozen=True, slots=True)
class _Taken:
    id: str
    queue: str
    use_case: str
    message: str
    priority: int
    cause: str | None
    attempt: int
    lost: int
    lease: str
    enqueued: float


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    queue: str
    use_case: str
    message: str
    priority: int
    attempts: int
    due: float
    enqueued: float
    reason: str | None
    state: JobState


@dataclass(frozen=True, slots=True)
class _Held:
    id: str
    lease: str


class SqlJobs(JobStore, Claims):
    """A job queue and a timetable in the database that the service has anyway.

    ``app.manage(SqlJobs())``, after the `Database`, brings the need `hardy.Jobs`:
    what a call enqueues is a row of its own transaction, so that the job is
    there if, and only if, the work of the call was committed. Replicas share
    the jobs; on PostgreSQL they do not wait for one another (SKIP LOCKED), on
    SQLite they take turns, as all writers do.

    Leases and delays are measured by the database's clock. What is done is
    deleted; what was given up stays until it is requeued. Schedules claim their
    ticks here, too.

    Example:
        >>> import asyncio
        >>> from hardy.adapters.sql import DatabaseSettings
        >>> from hardy.core import Operation
        >>> async def send_receipt(order_id: int) -> None: ...
        >>> schema = "".join(step.sqlite for step in SqlJobs.schema_steps)
        >>> async def main() -> None:
        ...     settings = DatabaseSettings(url="sqlite:///:memory:", migrate="ignore")
        ...     async with Database(settings, schema=schema) as database:
        ...         store = SqlJobs()
        ...         store.wire(database=database, queues=Queues([(Operation.of(send_receipt), "mail")]))
        ...         async with database.transaction() as session:
        ...             await store.jobs(session).enqueue(send_receipt, 42, delay=60)
        ...         print([(job.queue, job.state) for job in await store.find()])
        >>> asyncio.run(main())
        [('mail', 'waiting')]
    """

    schema_steps: Sequence[SchemaStep] = STEPS

    def __init__(self) -> None:
        self._database: Database | None = None
        self._clock: Clock = SystemClock()
        self._queues = Queues()
        self._counts = _Counts()
        self._listeners: list[Callable[[str], None]] = []

    def wire(self, *, database: Database, clock: Clock | None = None, queues: Queues | None = None) -> None:
        """Say where jobs are kept, and which use case is bound to which queue; called by the app."""
        self._database = database
        self._clock = clock or self._clock
        self._queues = queues or self._queues

    async def __aenter__(self) -> Self:
        """Do nothing: the database is open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing."""

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what it brings: `hardy.Jobs`, once per call."""

        def jobs(session: Session) -> Jobs:
            return self.jobs(session)

        return (jobs,)

    def jobs(self, session: Session) -> Jobs:
        """Return what enqueues in the transaction of *session*."""

        async def put(job: NewJob) -> None:
            await self._put(session, job)

        return QueuedJobs(self._queues, put)

    async def put(self, *jobs: NewJob) -> None:
        """Keep *jobs* in a transaction of its own."""
        async with self._open().transaction(write=True) as session:
            for job in jobs:
                await self._put(session, job)

    async def _put(self, session: Session, job: NewJob) -> None:
        await session.execute(
            words_for(session.dialect).put,
            now=self._now(),
            id=job.id,
            queue=job.queue,
            use_case=job.use_case,
            message=job.message.decode(),
            priority=job.priority,
            delay=job.delay,
            cause=job.cause,
        )
        session.after_commit(lambda: self._committed(job.queue))

    def _committed(self, queue: str) -> None:
        self._counts.enqueued += 1
        self._wake(queue)

    def _wake(self, queue: str) -> None:
        for wake in tuple(self._listeners):
            wake(queue)

    async def take(self, queue: str, use_cases: Sequence[str], *, limit: int, lease: float) -> Sequence[Job]:
        """Take jobs whose time has come; see `hardy.queueing.JobStore.take`."""
        async with self._open().transaction(write=True) as session:
            rows = await session.all(
                _Taken,
                words_for(session.dialect).take,
                now=self._now(),
                queue=queue,
                use_cases=json.dumps(list(use_cases)),
                limit=limit,
                lease=new_call_id(),
                seconds=lease,
            )
        self._counts.taken += len(rows)
        rows.sort(key=lambda row: (-row.priority, row.enqueued))
        return [_job(row) for row in rows]

    async def renew(self, jobs: Sequence[Job], *, lease: float) -> Sequence[Job]:
        """Prolong leases; see `hardy.queueing.JobStore.renew`."""
        async with self._open().transaction(write=True) as session:
            rows = await session.all(
                _Held,
                words_for(session.dialect).renew,
                now=self._now(),
                ids=json.dumps([job.id for job in jobs]),
                leases=json.dumps([job.lease for job in jobs]),
                seconds=lease,
            )
        held = {(row.id, row.lease) for row in rows}
        return [job for job in jobs if (job.id, job.lease) in held]

    async def done(self, job: Job) -> bool:
        """Forget *job*."""
        return await self._settle(job, self._words.done)

    async def retry(self, job: Job, *, delay: float, reason: str) -> bool:
        """Let *job* be taken again after *delay* seconds."""
        return await self._settle(job, self._words.retry, now=self._now(), delay=delay, reason=reason)

    async def give_back(self, job: Job) -> bool:
        """Let *job* be taken again at once as if it had not been."""
        return await self._settle(job, self._words.give_back, now=self._now())

    async def bury(self, job: Job, *, reason: str) -> bool:
        """Give *job* up."""
        return await self._settle(job, self._words.bury, now=self._now(), reason=reason)

    async def _settle(self, job: Job, sql: str, **given: object) -> bool:
        async with self._open().transaction(write=True) as session:
            return await session.execute(sql, id=job.id, lease=job.lease, **given) == 1

    async def find(
        self, *, queue: str | None = None, state: JobState | None = None, limit: int = 100
    ) -> Sequence[JobRecord]:
        """Return what is there, the next to be taken first."""
        async with self._open().transaction() as session:
            rows = await session.all(
                _Row,
                self._words.find,
                now=self._now(),
                queue=queue or "",
                every_queue=int(queue is None),
                state=state or "",
                limit=limit,
            )
        return [_record(row) for row in rows]

    async def requeue(self, *ids: str, queue: str | None = None) -> int:
        """Let dead letters be tried as if for the first time."""
        async with self._open().transaction(write=True) as session:
            queues = await session.all(
                str,
                self._words.requeue,
                now=self._now(),
                queue=queue or "",
                every_queue=int(queue is None),
                every=int(not ids),
                ids=json.dumps(ids),
            )
        for each in set(queues):
            self._wake(each)
        return len(queues)

    def listen(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """Call *wake* when a job of this process was committed; returns what ends that."""
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    async def claim(self, name: str, tick: datetime) -> bool:
        """Take *tick* of the schedule *name*; true for exactly one caller."""
        async with self._open().transaction(write=True) as session:
            words, now = self._words, self._now()
            claimed = await session.execute(words.claim, now=now, name=name, tick=tick.timestamp()) == 1
            if claimed:
                await session.execute(words.forget, now=now, name=name)
        self._counts.claimed += claimed
        return claimed

    async def last(self, name: str, *, before: datetime) -> datetime | None:
        """Return the latest tick of *name* that was claimed and is not after *before*."""
        async with self._open().transaction() as session:
            tick = await session.first(float, self._words.last, name=name, before=before.timestamp())
        return None if tick is None else datetime.fromtimestamp(tick, UTC)

    def statistics(self) -> SqlJobsStatistics:
        """Return what this process has put and taken so far."""
        counts = self._counts
        return SqlJobsStatistics(enqueued=counts.enqueued, taken=counts.taken, claimed=counts.claimed)

    @property
    def _words(self) -> Words:
        return words_for(self._open().dialect)

    def _open(self) -> Database:
        if self._database is None:
            raise Unavailable("the jobs have no database: manage a Database before SqlJobs, or call wire(database=...)")
        return self._database

    def _now(self) -> float | None:
        """Return what a clock says that somebody else turns; of the machine's own, the database's goes before."""
        return None if isinstance(self._clock, SystemClock) else self._clock.now().timestamp()


def _job(row: _Taken) -> Job:
    return Job(
        id=row.id,
        queue=row.queue,
        use_case=row.use_case,
        message=row.message.encode(),
        priority=row.priority,
        cause=row.cause,
        attempt=row.attempt,
        lost=row.lost,
        lease=row.lease,
    )


def _record(row: _Row) -> JobRecord:
    return JobRecord(
        id=row.id,
        queue=row.queue,
        use_case=row.use_case,
        message=row.message.encode(),
        state=row.state,
        priority=row.priority,
        attempts=row.attempts,
        due=datetime.fromtimestamp(row.due, UTC),
        enqueued=datetime.fromtimestamp(row.enqueued, UTC),
        reason=row.reason,
    )
