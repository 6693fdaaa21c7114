"""Does the jobs of one queue: takes them, runs their use cases, tells the store what became of each."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from hardy.core import Emit, Error, Exposed, Internal, Logger, Unavailable
from hardy.queueing import Job, JobDied, JobLost, JobRetried, JobStore, StoreBack, StoreLost
from hardy.schema import Codec, codec
from hardy.transport.jobs._call import JobCall
from hardy.transport.jobs._held import Held
from hardy.transport.jobs._queue import JobQueue

_RENEW = 3.0
"""How often within its length a lease is renewed."""
_LONGEST_WAIT = 10.0
_REASON = 2000


@dataclass(slots=True)
class Counts:
    """What became of the jobs."""

    done: int = 0
    retried: int = 0
    dead: int = 0
    lost: int = 0
    in_flight: int = 0


Write = Callable[[], Awaitable[bool]]


class Worker:
    """Does the jobs of one queue.

    Args:
        terms: The queue, with what is alike for all its use cases.
        exposed: Its operations by name.
        store: Where the jobs are.
        counts: What is counted, of all queues.
        emit: Told what becomes of a job that is not done.
        logger: Told what is a defect.
    """

    def __init__(
        self,
        terms: JobQueue,
        exposed: Mapping[str, Exposed],
        *,
        store: JobStore,
        counts: Counts,
        emit: Emit,
        logger: Logger,
    ) -> None:
        self._terms = terms
        self._exposed = exposed
        self._codecs: dict[str, Codec[object]] = {
            name: codec(cast("type[object]", each.operation.message)) for name, each in exposed.items()
        }
        self._store = store
        self._counts = counts
        self._emit = emit
        self._logger = logger
        self._held: dict[asyncio.Task[None], Held] = {}
        self._event = asyncio.Event()
        self._draining = False
        self._lost_at: float | None = None

    def wake(self) -> None:
        """Look for work now."""
        self._event.set()

    def drain(self) -> None:
        """Take nothing new from now on."""
        self._draining = True
        self._event.set()

    def stop(self) -> None:
        """Cancel what is in flight; the jobs are given back."""
        self.drain()
        for held in tuple(self._held.values()):
            held.stop()

    @property
    def tasks(self) -> "list[asyncio.Task[None]]":
        """What is in flight."""
        return list(self._held)

    async def work(self) -> None:
        """Take jobs and begin them, until it is drained; those in flight go on after."""
        failures = 0
        while not self._draining:
            free = self._terms.concurrency - len(self._held)
            self._event.clear()
            if free <= 0:
                await self._event.wait()
                continue
            since = self._now()
            try:
                jobs = await self._store.take(
                    self._terms.name, list(self._exposed), limit=free, lease=self._terms.lease
                )
            except Exception as error:  # whatever the store has, it may be well again in a while
                failures += 1
                await self._wait(self._store_failed(error, failures))
                continue
            failures = 0
            self._store_answered()
            await self._begin(jobs, since)
            if len(jobs) < free:
                await self._wait(self._terms.poll)

    async def _begin(self, jobs: Sequence[Job], since: float) -> None:
        for job in jobs:
            if self._draining:  # since they were asked for
                await self._write(job, partial(self._store.give_back, job), until=since + self._terms.lease)
                continue
            exposed = self._exposed[job.use_case]
            call = JobCall(exposed.operation, job, self._codecs[job.use_case])
            held = Held(job, call, lease=self._terms.lease, since=since)
            self._counts.in_flight += 1
            task = asyncio.create_task(self._carry_out(held, exposed), name=f"job {job.use_case}")
            self._held[task] = held
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._held.pop(task).release()
        self._counts.in_flight -= 1
        self._event.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._logger.error("a job could not be carried out", exc_info=error)

    async def _carry_out(self, held: Held, exposed: Exposed) -> None:
        job = held.job
        retry = cast("JobQueue", exposed.binding).retry
        if job.lost >= retry.attempts:
            reason = f"whoever had it was not heard of again, {job.lost} times: it may end the process that does it"
            await self._settle(held, partial(self._bury, job, reason))
            return
        try:
            await held.call.run(exposed.handler)
        except Exception as error:  # what is no Error is a defect that no layer of the chain has caught
            if not isinstance(error, Error):
                held.call.log.exception("a call failed outside of its chain")
            known = error if isinstance(error, Error) else Internal("internal error")
            await self._settle(held, self._judge(held, known, exposed))
        else:
            await self._settle(held, partial(self._done, job))

    def _judge(self, held: Held, error: Error, exposed: Exposed) -> Write:
        job, queue = held.job, cast("JobQueue", exposed.binding)
        # At shutdown the service cancels calls that have had their time, before it stops us: no fault of the job's.
        shut_down = self._draining and error is held.call.cancelled and isinstance(error, Unavailable)
        if held.stopping or shut_down:
            return partial(self._store.give_back, job)
        reason = f"{error.code.name}: {error.message}"[:_REASON]
        delay = queue.retry.decide(error.code, job.attempt)
        if delay is None:
            return partial(self._bury, job, reason)
        return partial(self._retry, job, max(delay, error.retry_after or 0.0), reason)

    async def _settle(self, held: Held, write: Write) -> None:
        """Tell the store what became of the job, as long as it is ours."""
        held.settling = True
        if held.lost or not await self._write(held.job, write, until=held.until):
            job = held.job
            self._counts.lost += 1
            self._emit(JobLost(queue=job.queue, use_case=job.use_case, id=job.id, attempt=job.attempt))

    async def _write(self, job: Job, write: Write, *, until: float) -> bool:
        """Try until the store answers or the lease has ended; return whether the job was still ours."""
        failures = 0
        while True:
            try:
                return await write()
            except Exception as error:  # as above
                failures += 1
                wait = self._store_failed(error, failures)
                if self._now() + wait >= until:
                    return False
                await asyncio.sleep(wait)

    async def _done(self, job: Job) -> bool:
        if held := await self._store.done(job):
            self._counts.done += 1
        return held

    async def _retry(self, job: Job, delay: float, reason: str) -> bool:
        if held := await self._store.retry(job, delay=delay, reason=reason):
            self._counts.retried += 1
            self._emit(
                JobRetried(
                    queue=job.queue, use_case=job.use_case, id=job.id, attempt=job.attempt, delay=delay, reason=reason
                )
            )
        return held

    async def _bury(self, job: Job, reason: str) -> bool:
        if held := await self._store.bury(job, reason=reason):
            self._counts.dead += 1
            self._emit(JobDied(queue=job.queue, use_case=job.use_case, id=job.id, attempt=job.attempt, reason=reason))
        return held

    async def renew(self) -> None:
        """Renew the leases of what is in flight, again and again."""
        pause = self._terms.lease / _RENEW
        while True:
            await asyncio.sleep(pause)
            since = self._now()
            asked = [each for each in self._held.values() if not each.lost and not each.settling]
            if not asked:
                continue
            try:
                async with asyncio.timeout(pause):
                    kept = await self._store.renew([each.job for each in asked], lease=self._terms.lease)
            except Exception as error:  # each lease has a timer of its own
                self._store_failed(error, 1)
                continue
            ours = {job.lease + job.id for job in kept}
            for each in asked:
                if each.job.lease + each.job.id in ours:
                    if not each.lost and each in self._held.values():
                        each.renewed(since)
                elif not each.settling:
                    each.lose()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass

    def _store_failed(self, error: Exception, failures: int) -> float:
        """Tell of it once, and return how long to wait."""
        wait = min(_LONGEST_WAIT, 0.1 * 2.0 ** min(failures, 10)) * (0.5 + random.random() / 2)
        if self._lost_at is None:
            self._lost_at = self._now()
            self._emit(StoreLost(name=self._terms.name, reason=str(error) or type(error).__name__, delay=wait))
        return wait

    def _store_answered(self) -> None:
        if self._lost_at is not None:
            self._emit(StoreBack(name=self._terms.name, seconds=self._now() - self._lost_at))
            self._lost_at = None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
