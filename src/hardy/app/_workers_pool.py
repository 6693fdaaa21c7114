"""The workers there are, and the places they fill."""

import asyncio
import os
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hardy.app._link import Checked
from hardy.app._workers_child import Child
from hardy.app._workers_listen import Addresses
from hardy.core import Logger
from hardy.telemetry import make_logger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStatistics:
    """What became of the workers."""

    workers: int
    """How many there should be."""
    ready: int
    started: int
    """Processes since the start."""
    crashed: int
    """Processes that ended without being asked."""
    rolls: int
    """Times that all workers were replaced."""
    failed_rolls: int


class Slot:
    """The place of one worker: who fills it changes."""

    def __init__(self, child: Child) -> None:
        self.number = child.slot
        self.child = child
        self.row = 0
        """Crashes in a row."""


class Pool:
    """The processes of a service, and what their parent knows of it.

    Args:
        command: Starts one.
        count: How many there should be.
    """

    def __init__(self, command: Sequence[str], count: int) -> None:
        self.count = count
        self.slots: list[Slot] = []
        self.addresses = Addresses()
        self.checked: Checked | None = None
        """What this service is, as the newest worker says."""
        self.logger: Logger = make_logger()
        self.stopping = asyncio.Event()
        self.changed = asyncio.Event()
        self.code = 0
        """What the parent exits with."""
        self.complete = False
        """Whether all workers have been ready at once."""
        self.started = self.crashed = self.rolls = self.failed_rolls = 0
        self._command = tuple(command)
        self._children: list[Child] = []
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def enough(self) -> int:
        """How many workers make the service ready: half of them."""
        return (self.count + 1) // 2

    @property
    def patience(self) -> float:
        """Seconds that a worker may take for its end."""
        return 10.0 if self.checked is None else self.checked.patience

    def spawn(self, number: int) -> Child:
        """Start a process for the place *number*."""
        child = Child(self._command, slot=number, changed=self.changed.set)
        self.started += 1
        self._children.append(child)
        return child

    async def send_out(self, child: Child) -> None:
        """Tell *child* where to listen, which it then does."""
        await child.listen(self.addresses.told(), self.addresses.sockets("http"))

    def stop(self, code: int | None = None) -> None:
        """Have all of it end, with *code* if it is given."""
        self.code = self.code if code is None else code
        self.stopping.set()

    def reap(self) -> None:
        """Take note of every process that has ended: as the first process of a container, strangers' too."""
        for child in self.children():
            child.reap()
            if child.state == "ended":
                self._children.remove(child)
        if os.getpid() == 1:
            _reap_strangers({child.pid for child in self._children})

    async def see_off(self, child: Child) -> None:
        """Wait for the end of *child*, which drains; kill it if that does not come."""
        if not await child.wait_ended(self.patience + 1.0):
            child.kill()
            self.logger.error("worker killed: it did not end in time", worker=child.slot, pid=child.pid)

    def watch(self, work: Coroutine[object, object, object]) -> None:
        """Have *work* go on beside the rest; what it raises ends all of it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.logger.error("the parent of the workers failed", exc_info=error)
            self.stop(1)

    async def unless_stopping(self, waiting: "Coroutine[object, object, T] | asyncio.Future[T]") -> T | None:
        """Wait for *waiting*; return ``None`` when all is to end meanwhile."""
        asked = asyncio.create_task(self.stopping.wait())
        future = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait({asked, future}, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else None
        finally:
            asked.cancel()
            if future is not waiting:
                future.cancel()

    # -- what is going on

    def children(self) -> Sequence[Child]:
        """Return every worker there is, those included that drain."""
        return tuple(self._children)

    def ready(self) -> int:
        """Return how many workers take calls."""
        return sum(slot.child.is_ready for slot in self.slots)

    def statistics(self) -> WorkersStatistics:
        """Return what became of the workers."""
        return WorkersStatistics(
            workers=self.count,
            ready=self.ready(),
            started=self.started,
            crashed=self.crashed,
            rolls=self.rolls,
            failed_rolls=self.failed_rolls,
        )

    async def ping(self) -> None:
        """Say that not enough workers are ready.

        Raises:
            RuntimeError: It is so.
        """
        if (ready := self.ready()) < self.enough:
            raise RuntimeError(f"{ready} of {self.count} workers are ready, {self.enough} are needed")


def lasted(child: Child) -> float:
    """Return how long *child* has been there, in seconds."""
    return time.monotonic() - child.born


def _reap_strangers(known: set[int]) -> None:
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in known:  # the next signal is about that one
            return
        os.waitpid(found.si_pid, os.WNOHANG)
