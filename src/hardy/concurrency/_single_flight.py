"""One execution for all who want the same result at the same time."""

import asyncio
import contextvars
import functools
import math
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

from hardy.core import DeadlineExceeded, Emit, TaskFailed, Unavailable, current_call, shielded

K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SingleFlightStatistics:
    """What became of calls."""

    running: int
    """Executions in flight."""
    executed: int
    """Executions begun."""
    shared: int
    """Calls that joined an execution which somebody else had begun."""
    abandoned: int
    """Executions that ended when nobody waited any more."""


class _Flight(Generic[T]):
    """One execution, and who waits for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: "asyncio.Task[T]") -> None:
        self.task = task
        self.waiting: set[asyncio.Future[None]] = set()


class SingleFlight(Generic[K, T]):
    """Runs a function once for all who call with the same key while it runs.

    The behaviour is that of Go's ``golang.org/x/sync/singleflight``: whoever comes while an execution is in
    flight waits for it and gets the same result, or the same error; the next after its end begins a new one;
    nothing is remembered. Beyond that, as asyncio needs it:

    - An execution is a task of its own. It does not end when a caller is cancelled, not even the one that began
      it, and goes on when nobody waits any more; its error is then told as `hardy.core.TaskFailed`.
    - It sees no call, for it works for several: no deadline, no principal and no log of the one that happened to
      come first. It must not use what belongs to a call's scope, such as a session, which may close before it ends.
    - Each caller waits until its own call's deadline.

    A component: leaving it cancels what is in flight. It works without being opened, in the hands of something
    that closes it.

    Args:
        timeout: Seconds that an execution may take.
        emit: Told of executions that fail while nobody waits.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     async def load():
        ...         await asyncio.sleep(0)
        ...         return object()
        ...
        ...     async with SingleFlight() as flights:
        ...         first, second = await asyncio.gather(flights.run("key", load), flights.run("key", load))
        ...         return first is second, flights.statistics().executed
        >>> asyncio.run(main())
        (True, 1)
    """

    def __init__(self, *, timeout: float = 30.0, emit: Emit = lambda notice: None) -> None:
        self._timeout = timeout
        self._emit = emit
        self._flights: dict[K, _Flight[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()
        self._context = contextvars.Context()
        self._executed = self._shared = self._abandoned = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        """Let executions run in the context of whoever opens it: outside of any call."""
        self._closed = False
        self._context = contextvars.copy_context()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel what is in flight; who waits for it gets `hardy.core.Unavailable`."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await shielded(_ended(tasks))

    async def run(self, key: K, function: Callable[[], Awaitable[T]]) -> T:
        """Return what *function* returns, or what one already running for *key* will.

        Raises:
            DeadlineExceeded: The caller's deadline has come; the execution goes on.
            Unavailable: It was cancelled, or nothing runs any more.
            Exception: Whatever *function* raised, the same object for everybody who waited.
        """
        call = current_call()
        if call is not None:
            call.deadline.check()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._begin(key, function)
        else:
            self._shared += 1
        await _wait_for(flight, math.inf if call is None else call.deadline.remaining())
        if not flight.task.done():
            raise DeadlineExceeded("the deadline has passed")
        if flight.task.cancelled():
            raise Unavailable("what was waited for has been cancelled")
        return flight.task.result()

    def start(self, key: K, function: Callable[[], Awaitable[T]]) -> bool:
        """Begin an execution for *key* without waiting for it; return whether none was running.

        Raises:
            Unavailable: Nothing runs any more.
        """
        if key in self._flights:
            return False
        self._begin(key, function)
        return True

    def _begin(self, key: K, function: Callable[[], Awaitable[T]]) -> _Flight[T]:
        if self._closed:
            raise Unavailable("shutting down")
        task = asyncio.get_running_loop().create_task(
            self._execute(key, function), name=f"hardy: single flight {key!r}", context=self._context.copy()
        )
        flight = self._flights[key] = _Flight(task)
        self._tasks.add(task)
        self._executed += 1
        task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    async def _execute(self, key: K, function: Callable[[], Awaitable[T]]) -> T:
        timeout = asyncio.timeout(self._timeout)
        try:
            async with timeout:
                return await function()
        except TimeoutError as error:
            if timeout.expired():
                raise DeadlineExceeded(f"it took longer than {self._timeout:g} s") from error
            raise
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio would end the loop, and nobody would be told
            raise RuntimeError(f"an execution raised {error!r}") from error
        finally:
            # Here and not when the task is noticed to be done: who comes in between begins anew.
            flight = self._flights.get(key)
            if flight is not None and flight.task is asyncio.current_task():
                del self._flights[key]

    def _landed(self, key: K, flight: _Flight[T]) -> None:
        self._tasks.discard(flight.task)
        if self._flights.get(key) is flight:  # cancelled before its first step
            del self._flights[key]
        error = None if flight.task.cancelled() else flight.task.exception()
        if not flight.waiting:
            self._abandoned += 1
            if error is not None:
                name = flight.task.get_name().removeprefix("hardy: ")
                self._emit(TaskFailed(name=name, error=error, restart_in=None))
        for waiter in flight.waiting:
            if not waiter.done():
                waiter.set_result(None)

    def forget(self, key: K) -> bool:
        """Let the next call for *key* begin a new execution, whatever is in flight; return whether something is.

        Who waits already gets what is in flight.
        """
        return self._flights.pop(key, None) is not None

    def __contains__(self, key: object) -> bool:
        """Whether an execution for *key* is in flight."""
        return key in self._flights

    def statistics(self) -> SingleFlightStatistics:
        """Return what became of calls."""
        return SingleFlightStatistics(
            running=len(self._tasks), executed=self._executed, shared=self._shared, abandoned=self._abandoned
        )


async def _wait_for(flight: _Flight[T], seconds: float) -> None:
    """Wait until *flight* has ended, or for so many *seconds*, whichever comes first.

    Neither `asyncio.shield` nor `asyncio.wait`: leaving them takes as long as there are others who wait.
    """
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    timer = loop.call_later(seconds, _wake, waiter) if seconds < math.inf else None
    flight.waiting.add(waiter)
    try:
        await waiter
    finally:
        flight.waiting.discard(waiter)
        if timer is not None:
            timer.cancel()


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _ended(tasks: "Sequence[asyncio.Task[T]]") -> None:
    await asyncio.wait(tasks)


def single_flight(
    function: Callable[P, Awaitable[T]],
    *,
    key: Callable[P, Hashable] | None = None,
    timeout: float = 30.0,
) -> Callable[P, Awaitable[T]]:
    """Return *function* such that calls with the same arguments at the same time share one execution.

    Wrap it where the service is put together: whoever is to share must call what this returned. See
    `SingleFlight` for what an execution may use, and for how it ends.

    Args:
        key: Tells from the arguments which calls are the same; all arguments, which must be hashable, if nothing
            is said.
        timeout: Seconds that an execution may take.

    Example:
        >>> import asyncio
        >>> async def price(sku: str) -> int:
        ...     print("asked for", sku)
        ...     return 12
        >>> shared = single_flight(price)
        >>> async def main():
        ...     return await asyncio.gather(shared("tea"), shared("tea"))
        >>> asyncio.run(main())
        asked for tea
        [12, 12]
    """
    flights: SingleFlight[Hashable, T] = SingleFlight(timeout=timeout)

    @functools.wraps(function)
    async def shared(*args: P.args, **kwargs: P.kwargs) -> T:
        same = key(*args, **kwargs) if key is not None else (args, frozenset(kwargs.items()))
        return await flights.run(same, functools.partial(function, *args, **kwargs))

    return shared
