"""The event loop of a service's own program: it ends when the service does, whatever is left behind."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, enumerate as threads, main_thread
from typing import TypeVar

T = TypeVar("T")

LEFTOVERS = 0.1
"""Seconds that tasks and threads nobody waits for get to end."""


def run_loop(main: Coroutine[object, object, T]) -> T:
    """Run *main* on uvloop, or on asyncio's own loop where there is none.

    Tasks that are left when *main* ends are cancelled. Unlike by `asyncio.run`
    they are not waited for without end: a use case that swallows its
    cancellation does not keep the process.
    """
    tasks: list[asyncio.Task[T]] = []
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_alone(main, tasks))
        except SystemExit:
            if not tasks or tasks[0].done():
                raise
            return _go_on(runner.get_loop(), tasks[0])


def _go_on(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[T]") -> T:
    """Turn *loop* again: asyncio stops it for a ``SystemExit`` in any task, one that a use case made itself too."""
    while True:
        try:
            return loop.run_until_complete(task)
        except SystemExit:
            if task.done():  # it was the service's own
                raise


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # on Windows
        return None
    return uvloop.new_event_loop


async def _alone(main: Coroutine[object, object, T], tasks: list["asyncio.Task[T]"]) -> T:
    if (task := asyncio.current_task()) is not None:
        tasks.append(task)
    # Its threads are not waited for by the loop when it closes; `stuck_threads` says whether any are left.
    executor = _Threads(thread_name_prefix="asyncio")
    asyncio.get_running_loop().set_default_executor(executor)
    try:
        return await main
    finally:
        await _end_others()


class _Threads(ThreadPoolExecutor):
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # theirs
        """Ask the threads to end and do not wait."""
        super().shutdown(wait=False, cancel_futures=True)


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if not others:
        return
    _, stuck = await asyncio.wait(others, timeout=LEFTOVERS)
    for task in stuck:
        # What asyncio documents for tasks that end elsewhere: the loop does not wait for it when it closes.
        asyncio._unregister_task(task)
        setattr(task, "_log_destroy_pending", False)  # it is known  # noqa: B010  # in no stub


def stuck_threads() -> list[Thread]:
    """Return the threads that would keep the process: the interpreter waits for them without end."""
    others = [each for each in threads() if each is not main_thread() and not each.daemon]
    for each in others:
        each.join(LEFTOVERS / len(others))
    return [each for each in others if each.is_alive()]
