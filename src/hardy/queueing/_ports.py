"""The ports of a queue and of a timetable: who keeps jobs, and who remembers which ticks were taken."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from hardy.queueing._job import Job, JobRecord, JobState, NewJob


class JobStore(Protocol):
    """Keeps jobs until they are done. All replicas of a service see the same ones.

    A job that is taken is leased: until the lease ends nobody else gets it, and
    only who has the lease can say what became of it. One whose lease has ended
    is there for the next, so that a crash loses nothing.
    """

    async def put(self, *jobs: NewJob) -> None:
        """Keep *jobs*; they are not part of any call's work.

        Raises:
            Unavailable: The store does not answer.
        """
        ...

    async def take(self, queue: str, use_cases: Sequence[str], *, limit: int, lease: float) -> Sequence[Job]:
        """Take up to *limit* jobs of *queue* whose time has come, those of the highest priority and then the oldest.

        Args:
            queue: Its name.
            use_cases: Which ones may be among them; a replica of another version may know others.
            limit: How many at most.
            lease: Seconds for which nobody else gets them.

        Raises:
            Unavailable: The store does not answer.
        """
        ...

    async def renew(self, jobs: Sequence[Job], *, lease: float) -> Sequence[Job]:
        """Have the leases of *jobs* last *lease* seconds from now, and return those that were still held.

        Raises:
            Unavailable: The store does not answer.
        """
        ...

    async def done(self, job: Job) -> bool:
        """Forget *job*; false when its lease is another's by now."""
        ...

    async def retry(self, job: Job, *, delay: float, reason: str) -> bool:
        """Let *job* be taken again after *delay* seconds; false when its lease is another's by now."""
        ...

    async def give_back(self, job: Job) -> bool:
        """Let *job* be taken again at once as if it had not been; false when its lease is another's by now."""
        ...

    async def bury(self, job: Job, *, reason: str) -> bool:
        """Give *job* up: it is a dead letter until somebody requeues it; false as above."""
        ...

    async def find(
        self, *, queue: str | None = None, state: JobState | None = None, limit: int = 100
    ) -> Sequence[JobRecord]:
        """Return what is there, the next to be taken first."""
        ...

    async def requeue(self, *ids: str, queue: str | None = None) -> int:
        """Let dead letters be tried as if for the first time; return how many.

        Args:
            ids: Which; all of them when none are named.
            queue: Only those of this queue.
        """
        ...

    def listen(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """Call *wake* with the name of a queue when this process puts a job into it; returns what ends that.

        It makes waiting shorter and nothing depends on it: other processes are not heard.
        """
        ...


class Claims(Protocol):
    """Remembers which tick of which schedule was taken, so that of all replicas only one has it."""

    async def claim(self, name: str, tick: datetime) -> bool:
        """Take *tick* of the schedule *name*; true for exactly one caller, in whatever process.

        Raises:
            Unavailable: Nobody can tell just now.
        """
        ...

    async def last(self, name: str, *, before: datetime) -> datetime | None:
        """Return the latest tick of *name* that was claimed and is not after *before*; ``None`` when there is none."""
        ...
