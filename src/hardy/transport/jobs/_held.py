"""A job that is being done: its call, its lease, and what ends it."""

import asyncio

from hardy.core import Aborted, Cancelled
from hardy.queueing import Job
from hardy.transport.jobs._call import JobCall

_MARGIN = 0.9
"""The part of a lease after which the call is cancelled, so that it has ended when another begins."""


class Held:
    """A job that this process has taken.

    Args:
        job: The job.
        call: Its call.
        lease: Seconds that it was taken for.
        since: When it was asked for, on the loop's clock: the lease has begun later.
    """

    def __init__(self, job: Job, call: JobCall, *, lease: float, since: float) -> None:
        self.job = job
        self.call = call
        self.lost = False
        """Whether the lease ended before the job did."""
        self.stopping = False
        """Whether the process stops, and the job is to be given back."""
        self.settling = False
        """Whether the call is over and only the store has to be told."""
        self.until = 0.0
        self._lease = lease
        self._timer: asyncio.TimerHandle | None = None
        self.renewed(since)

    def renewed(self, since: float) -> None:
        """Count the lease from *since*."""
        loop = asyncio.get_running_loop()
        self.until = since + self._lease
        self.release()
        self._timer = loop.call_at(since + self._lease * _MARGIN, self.lose)

    def lose(self) -> None:
        """Somebody else may have the job: cancel the call, and let nobody say what became of it."""
        self.lost = True
        if not self.settling:
            self.call.cancel(Aborted("the lease of the job has ended, another may do it by now"))

    def stop(self) -> None:
        """The process stops: cancel the call and give the job back."""
        self.stopping = True
        if not self.settling:
            self.call.cancel(Cancelled("the service stops, the job is given back"))

    def release(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
