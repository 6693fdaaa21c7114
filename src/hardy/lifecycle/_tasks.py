"""Background tasks that somebody owns: named, stopped, restarted, and never failing in silence."""

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Literal, Self

from hardy.core import Emit, TaskFailed, shielded

Factory = Callable[[], Awaitable[object]]
"""Makes what a background task runs; called anew for each start."""


@dataclass(frozen=True, slots=True)
class Restart:
    """When a failed background task is started again.

    The wait before attempt *n* is drawn evenly from zero up to ``first * 2**n``
    seconds, never more than ``most``: exponential backoff with full jitter
    (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    Example:
        >>> Restart(first=1, most=10).ceiling(0), Restart(first=1, most=10).ceiling(5)
        (1.0, 10.0)
    """

    first: float = 0.5
    """Seconds: the longest wait after the first failure."""
    most: float = 30.0
    """Seconds: the longest wait there is."""
    settled: float = 60.0
    """Seconds of running after which a failure counts as the first again."""
    attempts: int | None = None
    """Failures in a row after which it is given up; never when none."""

    def ceiling(self, failures: int) -> float:
        """Return the longest wait after so many *failures* in a row before this one."""
        return float(min(self.most, self.first * 2 ** min(failures, 64)))


State = Literal["running", "waiting", "ended", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class TaskStatistics:
    """What became of one background task."""

    name: str
    state: State
    failures: int
    error: BaseException | None
    """The last one."""


@dataclass(slots=True)
class _Supervised:
    name: str
    factory: Factory
    restart: Restart | None
    state: State = "running"
    failures: int = 0
    error: BaseException | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def stopping(self) -> bool:
        """Whether somebody wants it to stop."""
        return self.task is not None and self.task.cancelling() > 0

    @property
    def stepping(self) -> bool:
        """Whether it runs right now, and is not thrown away unfinished."""
        try:
            return self.task is not None and asyncio.current_task() is self.task
        except RuntimeError:  # no loop runs
            return False

    def statistics(self) -> TaskStatistics:
        """Return what became of it."""
        stopped = self.task is not None and self.task.cancelled()
        return TaskStatistics(self.name, "stopped" if stopped else self.state, self.failures, self.error)


class Tasks:
    """The background tasks of one app: they start, fail, restart and stop under its eyes.

    A component: tasks are started inside ``async with``, and leaving it cancels
    them and waits. A task that fails is told as `TaskFailed` and started again
    as its `Restart` says; one that returns is over. A task sees no call, even
    if one started it: it does not end with the call.

    Args:
        emit: Told of each `TaskFailed`.
        stop_timeout: Seconds that all tasks together have to stop.
        sleep: Waits between two attempts; tests give one that does not.
        jitter: Returns a number from 0 up to 1.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     done = asyncio.Event()
        ...
        ...     async def relay():
        ...         done.set()
        ...
        ...     async with Tasks() as tasks:
        ...         tasks.start("relay", relay)
        ...         await done.wait()
        ...     return tasks.statistics()[0].state
        >>> asyncio.run(main())
        'ended'
    """

    def __init__(
        self,
        emit: Emit = lambda notice: None,
        *,
        stop_timeout: float = 5.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._emit = emit
        self._stop_timeout = stop_timeout
        self._sleep = sleep
        self._jitter = jitter
        self._tasks: dict[str, _Supervised] = {}
        self._context: contextvars.Context | None = None

    async def __aenter__(self) -> Self:
        """Allow tasks to be started."""
        self._context = contextvars.copy_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop every task.

        Raises:
            TimeoutError: Some did not stop in time; they are named.
        """
        self._context = None
        await shielded(self._stop(list(self._tasks.values())), limit=self._stop_timeout)

    def start(self, name: str, factory: Factory, *, restart: Restart | Literal["never"] = Restart()) -> None:
        """Start a background task.

        Args:
            name: Unique among the tasks that run.
            factory: Called for each start; what it returns is awaited.
            restart: What happens when it fails.

        Raises:
            RuntimeError: The app is not running, or a task of this name is.
        """
        if self._context is None:
            raise RuntimeError(f"background task `{name}` can only be started while the app runs")
        before = self._tasks.get(name)
        if before is not None and before.task is not None and not before.task.done():
            raise RuntimeError(f"a background task `{name}` is running already")
        supervised = _Supervised(name, factory, None if restart == "never" else restart)
        self._tasks[name] = supervised
        supervised.task = asyncio.get_running_loop().create_task(
            self._supervise(supervised), name=f"hardy: {name}", context=self._context.copy()
        )

    async def stop(self, name: str) -> None:
        """Cancel the task called *name* and wait until it is over.

        Raises:
            KeyError: No such task was started.
            TimeoutError: It did not stop in time.
        """
        await shielded(self._stop([self._tasks[name]]), limit=self._stop_timeout)

    def statistics(self) -> tuple[TaskStatistics, ...]:
        """Return what became of each task, in the order of their first start."""
        return tuple(each.statistics() for each in self._tasks.values())

    async def _supervise(self, supervised: _Supervised) -> None:
        row = 0
        while True:
            started = monotonic()
            supervised.state = "running"
            try:
                await supervised.factory()
            except BaseException as error:  # a SystemExit too ends this task, and not the process
                if isinstance(error, asyncio.CancelledError) and supervised.stopping:
                    raise
                if isinstance(error, GeneratorExit) and not supervised.stepping:  # the loop is gone
                    raise
                ran = monotonic() - started
                if supervised.restart is not None and ran >= supervised.restart.settled:
                    row = 0
                delay = self._failed(supervised, error, row, ran)
            else:
                supervised.state = "ended"
                return
            if delay is None:
                return
            row += 1
            await self._sleep(delay)

    def _failed(self, supervised: _Supervised, error: BaseException, row: int, ran: float) -> float | None:
        """Note a failure, tell of it, and return the wait before the next attempt if there is one."""
        supervised.failures += 1
        supervised.error = error
        restart = supervised.restart
        if restart is None or supervised.stopping or (restart.attempts is not None and row + 1 >= restart.attempts):
            supervised.state = "failed"
            delay = None
        else:
            supervised.state = "waiting"
            delay = self._jitter() * restart.ceiling(row)
        self._emit(TaskFailed(name=supervised.name, error=error, restart_in=delay, before=row, ran=ran))
        return delay

    async def _stop(self, supervised: list[_Supervised]) -> None:
        running = {each.task: each.name for each in supervised if each.task is not None and not each.task.done()}
        for task in running:
            task.cancel()
        if not running:
            return
        _, stuck = await asyncio.wait(running, timeout=self._stop_timeout)
        if stuck:
            names = ", ".join(sorted(running[task] for task in stuck))
            raise TimeoutError(f"background tasks did not stop within {self._stop_timeout:g} s: {names}")
