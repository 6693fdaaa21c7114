"""Blocking work in a thread of the loop's own pool."""

import asyncio
import contextlib
import contextvars
import functools
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from hardy.core import current_call

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking *function* in a thread and return what it returns.

    It sees the caller's context variables, `current_call` among them. A thread
    cannot be stopped: when the caller is cancelled, by its deadline for one,
    work that still waits for a thread is taken back, and work that has begun
    goes on to its end; what becomes of it is dropped, and the call's log says so.

    The threads are the event loop's own, shared by all who use it. Work that
    may pile up belongs into `Threads`, which is bounded.

    Example:
        >>> import asyncio
        >>> asyncio.run(in_thread(sum, [1, 2, 3]))
        6
    """
    work = _Work(function, functools.partial(function, *args, **kwargs))
    try:
        return await work.loop.run_in_executor(None, work)
    except asyncio.CancelledError:
        work.drop()
        raise


class _Work(Generic[T]):
    """One call of a function, which may outlive whoever waits for it."""

    def __init__(self, function: object, call: Callable[[], T]) -> None:
        self.name = name_of(function)
        self.call = call
        self.loop = asyncio.get_running_loop()
        self.context = contextvars.copy_context()
        self.dropped = False
        self.ended = False
        self.error: BaseException | None = None

    def __call__(self) -> T:
        try:
            return self.context.run(self.call)
        except BaseException as error:
            self.error = error
            raise
        finally:
            # Set here and read there, and the other way round: one of the two sees both.
            self.ended = True
            if self.dropped:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to be told
                    self.loop.call_soon_threadsafe(self.note)

    def drop(self) -> None:
        """Say that nobody waits any more."""
        self.dropped = True
        if self.ended:
            self.note()

    def note(self) -> None:
        if self.dropped:
            self.dropped = False
            self.context.run(note_dropped, self.name, self.error)


def name_of(function: object) -> str:
    """Return what to call *function* in a log."""
    return getattr(function, "__qualname__", None) or repr(function)


def note_dropped(name: str, error: BaseException | None) -> None:
    """Write to the call's log that nobody waits any more for what *name* returned or raised."""
    call = current_call()
    if call is not None:
        call.log.warning("result of a thread dropped", function=name, error=repr(error) if error else None)
