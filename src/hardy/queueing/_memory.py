"""Jobs and claims inside the process: for development, tests, and services of one process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from hardy.core import Clock, Jobs, Operation, SystemClock, new_call_id
from hardy.queueing._job import Job, JobRecord, JobState, NewJob
from hardy.queueing._ports import Claims, JobStore
from hardy.queueing._queues import QueuedJobs, Queues

M = TypeVar("M")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryJobsStatistics:
    """How it is now."""

    waiting: int
    taken: int
    dead: int


@dataclass(slots=True)
class _Kept:
    job: NewJob
    enqueued: float
    due: float
    number: int
    attempt: int = 0
    lost: int = 0
    lease: str | None = None
    died: bool = False
    reason: str | None = None

    def state(self, now: float) -> JobState:
        if self.died:
            return "dead"
        return "taken" if self.lease is not None and self.due > now else "waiting"


class MemoryJobs(JobStore):
    """Jobs inside this process: those that are not done when it ends are gone.

    It brings the need `hardy.Jobs`: what a call enqueues is kept when the call
    succeeds. In the test of a use case it can be given as that need itself;
    `enqueued` then has what was asked for.

    Args:
        clock: Tells when a job's time has come; the app's when managed by one.

    Example:
        >>> import asyncio
        >>> async def send_receipt(order_id: int) -> None: ...
        >>> async def place_order(*, jobs: Jobs) -> None:
        ...     await jobs.enqueue(send_receipt, 42)
        >>> jobs = MemoryJobs()
        >>> asyncio.run(place_order(jobs=jobs))
        >>> jobs.enqueued
        [(<function send_receipt at ...>, 42)]
    """

    process_local = True
    instead = "app.manage(SqlJobs()), from hardy.adapters.sql.jobs, after the database"
    worker_local = True

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.enqueued: list[tuple[Callable[..., object], object]] = []
        """What was enqueued with this object itself, in order: use case and message."""
        self._clock = clock or SystemClock()
        self._queues: Queues | None = None
        self._kept: dict[str, _Kept] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._number = 0

    def wire(self, *, clock: Clock | None = None, queues: Queues | None = None) -> None:
        """Take the clock and the queues of the service; called by the app."""
        self._clock = clock or self._clock
        self._queues = queues

    async def __aenter__(self) -> Self:
        """Do nothing: there is nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing."""

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what it brings: `hardy.Jobs`, once per call."""

        async def jobs() -> AsyncIterator[Jobs]:
            asked: list[NewJob] = []

            async def keep(job: NewJob) -> None:
                asked.append(job)

            yield QueuedJobs(self._queues or Queues(), keep)
            await self.put(*asked)  # not reached when the call fails

        return (jobs,)

    async def enqueue(
        self,
        use_case: Callable[Concatenate[M, P], Awaitable[object]],
        message: M,
        /,
        *,
        delay: float = 0.0,
        priority: int = 0,
    ) -> str:
        """Keep a job at once; see `hardy.Jobs.enqueue`. Outside of an app every use case has a queue."""
        queues = self._queues or Queues([(Operation.of(use_case), "default")])
        job = queues.job(use_case, message, delay=delay, priority=priority)
        self.enqueued.append((use_case, message))
        await self.put(job)
        return job.id

    async def put(self, *jobs: NewJob) -> None:
        """Keep *jobs*."""
        now = self._now()
        for job in jobs:
            self._number += 1
            self._kept[job.id] = _Kept(job, enqueued=now, due=now + job.delay, number=self._number)
        for queue in {job.queue for job in jobs}:
            for wake in tuple(self._listeners):
                wake(queue)

    async def take(self, queue: str, use_cases: Sequence[str], *, limit: int, lease: float) -> Sequence[Job]:
        """Take jobs whose time has come; see `JobStore.take`."""
        now = self._now()
        found = [
            each
            for each in self._kept.values()
            if each.job.queue == queue and each.job.use_case in use_cases and not each.died and each.due <= now
        ]
        found.sort(key=lambda each: (-each.job.priority, each.due, each.number))
        return [self._lend(each, now + lease) for each in found[:limit]]

    def _lend(self, kept: _Kept, until: float) -> Job:
        kept.lost += kept.lease is not None
        kept.attempt += 1
        kept.lease = new_call_id()
        kept.due = until
        return Job(
            id=kept.job.id,
            queue=kept.job.queue,
            use_case=kept.job.use_case,
            message=kept.job.message,
            priority=kept.job.priority,
            cause=kept.job.cause,
            attempt=kept.attempt,
            lost=kept.lost,
            lease=kept.lease,
        )

    async def renew(self, jobs: Sequence[Job], *, lease: float) -> Sequence[Job]:
        """Prolong leases; see `JobStore.renew`."""
        held = [(job, kept) for job in jobs if (kept := self._held(job)) is not None]
        for _, kept in held:
            kept.due = self._now() + lease
        return [job for job, _ in held]

    async def done(self, job: Job) -> bool:
        """Forget *job*."""
        if self._held(job) is None:
            return False
        del self._kept[job.id]
        return True

    async def retry(self, job: Job, *, delay: float, reason: str) -> bool:
        """Let *job* be taken again after *delay* seconds."""
        if (kept := self._held(job)) is None:
            return False
        kept.lease, kept.due, kept.reason = None, self._now() + delay, reason
        return True

    async def give_back(self, job: Job) -> bool:
        """Let *job* be taken again at once as if it had not been."""
        if (kept := self._held(job)) is None:
            return False
        kept.lease, kept.due, kept.attempt = None, self._now(), kept.attempt - 1
        return True

    async def bury(self, job: Job, *, reason: str) -> bool:
        """Give *job* up."""
        if (kept := self._held(job)) is None:
            return False
        kept.lease, kept.died, kept.reason = None, True, reason
        return True

    async def find(
        self, *, queue: str | None = None, state: JobState | None = None, limit: int = 100
    ) -> Sequence[JobRecord]:
        """Return what is there, the next to be taken first."""
        now = self._now()
        found = [
            each for each in self._kept.values() if queue in {None, each.job.queue} and state in {None, each.state(now)}
        ]
        found.sort(key=lambda each: (each.died, each.job.queue, -each.job.priority, each.due, each.number))
        return [_record(each, now) for each in found[:limit]]

    async def requeue(self, *ids: str, queue: str | None = None) -> int:
        """Let dead letters be tried as if for the first time."""
        chosen = [
            each
            for id_, each in self._kept.items()
            if each.died and (not ids or id_ in ids) and queue in {None, each.job.queue}
        ]
        for each in chosen:
            del self._kept[each.job.id]
        await self.put(*(replace(each.job, delay=0.0) for each in chosen))
        return len(chosen)

    def listen(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """Call *wake* when a job is put; returns what ends that."""
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    def statistics(self) -> MemoryJobsStatistics:
        """Return how many jobs there are of each state."""
        now = self._now()
        states = [each.state(now) for each in self._kept.values()]
        return MemoryJobsStatistics(
            waiting=states.count("waiting"), taken=states.count("taken"), dead=states.count("dead")
        )

    def _held(self, job: Job) -> _Kept | None:
        kept = self._kept.get(job.id)
        return kept if kept is not None and kept.lease == job.lease else None

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _record(kept: _Kept, now: float) -> JobRecord:
    return JobRecord(
        id=kept.job.id,
        queue=kept.job.queue,
        use_case=kept.job.use_case,
        message=kept.job.message,
        state=kept.state(now),
        priority=kept.job.priority,
        attempts=kept.attempt,
        due=datetime.fromtimestamp(kept.due, UTC),
        enqueued=datetime.fromtimestamp(kept.enqueued, UTC),
        reason=kept.reason,
    )


class MemoryClaims(Claims):
    """Remembers ticks inside this process: of two processes each would take them all.

    Example:
        >>> import asyncio
        >>> claims, noon = MemoryClaims(), datetime(2026, 1, 1, 12, tzinfo=UTC)
        >>> asyncio.run(claims.claim("expire", noon)), asyncio.run(claims.claim("expire", noon))
        (True, False)
    """

    process_local = True
    instead = "app.manage(SqlJobs()), from hardy.adapters.sql.jobs, after the database"
    worker_local = True
    most = 10_000
    """How many ticks of one schedule are remembered."""

    def __init__(self) -> None:
        self._taken: dict[str, dict[datetime, None]] = {}

    async def __aenter__(self) -> Self:
        """Do nothing: there is nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing."""

    async def claim(self, name: str, tick: datetime) -> bool:
        """Take *tick* of the schedule *name*; true the first time."""
        taken = self._taken.setdefault(name, {})
        if tick in taken:
            return False
        taken[tick] = None
        if len(taken) > self.most:
            del taken[next(iter(taken))]
        return True

    async def last(self, name: str, *, before: datetime) -> datetime | None:
        """Return the latest tick of *name* that was claimed and is not after *before*."""
        return max((tick for tick in self._taken.get(name, {}) if tick <= before), default=None)
