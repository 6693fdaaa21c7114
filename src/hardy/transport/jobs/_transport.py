"""Runs use cases for the jobs that a store keeps."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self, cast

from hardy.core import Clock, Emit, Exposed, Logger, shielded
from hardy.queueing import JobStore
from hardy.transport.jobs._queue import JobQueue
from hardy.transport.jobs._worker import Counts, Worker

CLOSE = 3.0
"""Seconds that a call which was cancelled has to end in, and its job to be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsStatistics:
    """What became of the jobs that this process has taken."""

    done: int
    retried: int
    dead: int
    lost: int
    """Jobs whose lease has ended before they had: they are done again."""
    in_flight: int


class Transport:
    """Serves the operations that are bound to queues, with the jobs of a `hardy.queueing.JobStore`.

    Each job is a call of its own, through the same chain as a request: rules,
    middleware, deadline, transaction. What the call ends with is what becomes
    of the job. A reply, whatever it is: done. An error: again after a growing
    wait, or a dead letter, as the queue's retries say for its code; a message
    that cannot be decoded is a dead letter at once.

    A job is leased and the lease renewed while it runs. When it cannot be
    renewed in time, the call is cancelled before another process may begin.

    Args:
        exposed: The operations bound to queues.
        adapter: Where the jobs are.
        service: The service's name; not used by this one.
        emit: Told of each `JobRetried`, `JobDied`, `JobLost`, `StoreLost` and `StoreBack`.
        logger: Gets a line when it begins.
        clock: Not used by this one: the store knows when a job's time has come.
    """

    port: ClassVar[type] = JobStore

    def __init__(
        self, exposed: Sequence[Exposed], adapter: JobStore, *, service: str, emit: Emit, logger: Logger, clock: Clock
    ) -> None:
        self._store = adapter
        self._logger = logger
        self._counts = Counts()
        queues: dict[str, list[Exposed]] = {}
        for each in exposed:
            queues.setdefault(cast("JobQueue", each.binding).name, []).append(each)
        self._workers = {
            name: Worker(
                cast("JobQueue", bound[0].binding),
                {each.operation.name: each for each in bound},
                store=adapter,
                counts=self._counts,
                emit=emit,
                logger=logger,
            )
            for name, bound in queues.items()
        }
        self._loops: list[asyncio.Task[None]] = []
        self._renewing: list[asyncio.Task[None]] = []
        self._deaf: Callable[[], None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to take jobs."""
        self._deaf = self._store.listen(self._wake)
        for name, worker in self._workers.items():
            self._loops.append(asyncio.create_task(worker.work(), name=f"jobs of {name}"))
            self._renewing.append(asyncio.create_task(worker.renew(), name=f"leases of {name}"))
            self._logger.info("taking jobs", queue=name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel what is left and give it back to the queue."""
        await shielded(self._close())

    async def drain(self) -> None:
        """Take no new job at once; return when those that were taken are settled."""
        for worker in self._workers.values():
            worker.drain()
        if self._loops:
            await asyncio.wait(self._loops)
        if left := self._in_flight():
            await asyncio.wait(left)

    async def _close(self) -> None:
        if self._deaf is not None:
            self._deaf()
            self._deaf = None
        for worker in self._workers.values():
            worker.stop()
        left = [*self._loops, *self._in_flight()]
        if left:
            await asyncio.wait(left, timeout=CLOSE)
        left = [*self._loops, *self._renewing, *self._in_flight()]
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._loops, self._renewing = [], []

    def _in_flight(self) -> "list[asyncio.Task[None]]":
        return [task for worker in self._workers.values() for task in worker.tasks]

    def _wake(self, queue: str) -> None:
        if (worker := self._workers.get(queue)) is not None:
            worker.wake()

    def statistics(self) -> JobsStatistics:
        """Return what became of the jobs so far."""
        counts = self._counts
        return JobsStatistics(
            done=counts.done,
            retried=counts.retried,
            dead=counts.dead,
            lost=counts.lost,
            in_flight=counts.in_flight,
        )
