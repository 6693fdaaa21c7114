"""A bounded pool of threads for blocking work."""

import asyncio
import contextlib
import contextvars
import functools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import ParamSpec, Self, TypeVar, cast

from hardy.concurrency._in_thread import name_of, note_dropped
from hardy.core import Unavailable, current_call

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ThreadStatistics:
    """What a pool of threads is doing and has done."""

    workers: int
    running: int
    waiting: int
    done: int
    refused: int
    dropped: int
    """Results that nobody waited for any more."""


class _Job:
    """One function to be called in a thread, and the future that waits for it."""

    __slots__ = ("context", "function", "future", "loop", "name")

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self.name = name
        self.function = function
        self.context = contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[object] = self.loop.create_future()


class Threads:
    """A component: so many threads, and so much work that may wait for one.

    Work beyond that is refused at once rather than piled up. A thread cannot be
    stopped: when the caller is cancelled, work that waits is taken back, work
    that has begun goes on to its end, keeps its thread until then, and what
    becomes of it is dropped, counted, and written to the call's log.

    The threads are daemons: one that never ends does not keep the process.

    Args:
        workers: Threads at most; each is started when it is first needed.
        waiting: Pieces of work that may wait for a thread.
        close_timeout: Seconds that closing waits for work that has begun.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     async with Threads(workers=2) as threads:
        ...         return await threads.run(sorted, [3, 1, 2], reverse=True)
        >>> asyncio.run(main())
        [3, 2, 1]
    """

    def __init__(self, workers: int = 8, *, waiting: int = 64, close_timeout: float = 5.0) -> None:
        self._limit = workers
        self._waiting_limit = waiting
        self._close_timeout = close_timeout
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._running: set[_Job] = set()
        self._waiting: set[_Job] = set()
        self._open = False
        self._done = self._refused = self._dropped = 0
        self._ended = asyncio.Event()
        self._lock = threading.Lock()  # held for a moment, where work changes from waiting to running to done

    async def __aenter__(self) -> Self:
        """Take work from now on."""
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take back what waits, and wait for what has begun.

        Raises:
            TimeoutError: Some work is still running; it is named.
        """
        self._open = False
        for job in list(self._waiting):
            if self._take_back(job):
                job.future.set_exception(_refusal("shutting down"))
        try:
            async with asyncio.timeout(self._close_timeout):
                while self._running:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            names = ", ".join(sorted(job.name for job in self._running))
            raise TimeoutError(f"threads still running after {self._close_timeout:g} s: {names}") from None
        finally:
            for _ in self._threads:
                self._jobs.put(None)
            self._threads.clear()

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking *function* in one of the threads and return what it returns.

        It sees the caller's context variables.

        Raises:
            Unavailable: All threads are busy and the queue is full, or the pool is closed.
            DeadlineExceeded: The call's deadline has passed already.
        """
        self._admit()
        job = _Job(name_of(function), functools.partial(function, *args, **kwargs))
        self._waiting.add(job)
        if len(self._threads) < min(self._limit, len(self._running) + len(self._waiting)):
            self._start_thread()
        self._jobs.put(job)
        try:
            return cast("T", await job.future)
        finally:
            self._take_back(job)

    def _take_back(self, job: _Job) -> bool:
        with self._lock:
            waited = job in self._waiting
            self._waiting.discard(job)
        return waited

    def statistics(self) -> ThreadStatistics:
        """Return what the pool is doing and has done."""
        return ThreadStatistics(
            workers=len(self._threads),
            running=len(self._running),
            waiting=len(self._waiting),
            done=self._done,
            refused=self._refused,
            dropped=self._dropped,
        )

    def _admit(self) -> None:
        call = current_call()
        if call is not None:
            call.deadline.check()
        if not self._open or len(self._running) + len(self._waiting) >= self._limit + self._waiting_limit:
            self._refused += 1
            raise _refusal("too much blocking work" if self._open else "shutting down")

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._work, name=f"hardy-{len(self._threads) + 1}", args=(self._jobs,), daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, jobs: "queue.SimpleQueue[_Job | None]") -> None:
        """What a thread does."""
        while (job := jobs.get()) is not None:
            with self._lock:
                if job not in self._waiting:
                    continue  # taken back
                self._waiting.remove(job)
                self._running.add(job)
            result, error = _outcome(job)
            with self._lock:
                self._running.remove(job)
                self._done += 1
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                job.loop.call_soon_threadsafe(self._settle, job, result, error, context=job.context)
            del job, result, error  # while it waits for more work, the thread keeps nothing alive

    def _settle(self, job: _Job, result: object, error: BaseException | None) -> None:
        self._ended.set()
        if job.future.done():  # cancelled
            self._dropped += 1
            note_dropped(job.name, error)
        elif error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)


def _outcome(job: _Job) -> tuple[object, BaseException | None]:
    try:
        return job.context.run(job.function), None
    except StopIteration as error:  # which a future cannot carry
        wrapped = RuntimeError(f"{job.name} raised StopIteration")
        wrapped.__cause__ = error
        return None, wrapped
    except BaseException as error:  # handed to whoever waits
        return None, error


def _refusal(reason: str) -> Unavailable:
    return Unavailable(reason, retry_after=1)
