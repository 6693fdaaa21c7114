"""Blocking work leaves the loop free, and what nobody waits for any more is not lost in silence."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from hardy.concurrency import Threads, in_thread
from hardy.core import Call, Deadline, DeadlineExceeded, Operation, SilentLogger, Unavailable, current_call


class Lines(SilentLogger):
    def __init__(self) -> None:
        self.lines = []

    def bind(self, **facts: object) -> "Lines":
        return self

    def warning(self, event: str, /, **facts: object) -> None:
        self.lines.append((event, facts))


async def use_case() -> None: ...


@pytest.fixture
def call() -> Call:
    call = Call(Operation.of(use_case), "direct")
    call.logger = Lines()
    return call


class Gate:
    """Blocking work that says when it began and waits until it may end."""

    def __init__(self, *, error: BaseException | None = None) -> None:
        self.began = threading.Event()
        self.end = threading.Event()
        self.calls = 0
        self.error = error

    def __call__(self) -> str:
        self.calls += 1
        self.began.set()
        assert self.end.wait(10)
        if self.error:
            raise self.error
        return "done"


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def divide(a: int, *, by: int) -> float:
    return a / by


def exhaust() -> object:
    return next(iter(()))


name: ContextVar[str] = ContextVar("name")


@pytest.fixture(params=["the loop's threads", "a bounded pool"])
async def run(request):
    if request.param == "the loop's threads":
        yield in_thread
    else:
        async with Threads(workers=4) as threads:
            yield threads.run


async def test_it_returns_what_the_function_returns(run):
    assert await run(divide, 6, by=3) == 2


async def test_it_raises_what_the_function_raises(run):
    with pytest.raises(ZeroDivisionError):
        await run(divide, 6, by=0)


async def test_an_exhausted_iterator_is_an_error_a_future_can_carry():
    async with Threads() as threads:
        with pytest.raises(RuntimeError, match="exhaust raised StopIteration"):
            await threads.run(exhaust)


async def test_it_runs_in_another_thread_with_the_callers_context(run, call):
    def look() -> tuple[object, ...]:
        return threading.current_thread() is threading.main_thread(), name.get(), current_call()

    async def handler(call: Call) -> object:
        name.set("alice")
        return await run(look)

    assert await call.run(handler) == (False, "alice", call)


@pytest.mark.parametrize("error", [None, ValueError("late")], ids=["a result", "an error"])
async def test_what_a_cancelled_caller_does_not_wait_for_is_logged(run, call, error):
    gate = Gate(error=error)
    task = asyncio.create_task(call.run(lambda call: run(gate)))
    await until(gate.began.is_set)
    call.cancel(DeadlineExceeded("too late"))
    with pytest.raises(DeadlineExceeded):
        await task
    assert call.logger.lines == []
    gate.end.set()
    await until(lambda: call.logger.lines)
    ((event, facts),) = call.logger.lines
    assert event == "result of a thread dropped"
    assert facts["error"] == (repr(error) if error else None)
    assert "Gate" in facts["function"]


async def test_outside_of_a_call_it_is_dropped_without_a_log(run):
    gate = Gate()
    task = asyncio.create_task(run(gate))
    await until(gate.began.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.end.set()
    assert await run(divide, 1, by=1) == 1


async def test_a_result_that_came_in_the_moment_of_the_cancellation_is_logged_too(call):
    async def handler(call: Call) -> object:
        return await in_thread(divide, 1, by=1)

    executor = ThreadPoolExecutor()
    asyncio.get_running_loop().set_default_executor(executor)
    task = asyncio.create_task(call.run(handler))
    await asyncio.sleep(0)
    executor.shutdown(wait=True)  # the thread is done, the loop has not heard of it
    call.cancel(DeadlineExceeded("too late"))
    with pytest.raises(DeadlineExceeded):
        await task
    await until(lambda: call.logger.lines)
    assert len(call.logger.lines) == 1


async def test_a_loop_that_is_closed_is_told_nothing():
    gates = [Gate(), Gate()]

    async def leave() -> None:
        threads = await Threads().__aenter__()
        tasks = [asyncio.create_task(in_thread(gates[0])), asyncio.create_task(threads.run(gates[1]))]
        await until(lambda: all(gate.began.is_set() for gate in gates))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def other() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave())
        loop.close()  # without waiting for its threads, as a process does that is in a hurry

    thread = threading.Thread(target=other)
    thread.start()
    await until(lambda: not thread.is_alive())
    for gate in gates:
        gate.end.set()


async def test_work_that_waits_is_taken_back_when_its_caller_is_cancelled():
    first, second = Gate(), Gate()
    async with Threads(workers=1) as threads:
        busy = asyncio.create_task(threads.run(first))
        waits = asyncio.create_task(threads.run(second))
        await until(first.began.is_set)
        assert (threads.statistics().running, threads.statistics().waiting) == (1, 1)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert threads.statistics().waiting == 0
        first.end.set()
        assert await busy == "done"
        assert await threads.run(divide, 1, by=1) == 1
    assert second.calls == 0


async def test_more_work_than_may_wait_is_refused_at_once():
    gate = Gate()
    async with Threads(workers=1, waiting=1) as threads:
        tasks = [asyncio.create_task(threads.run(gate)) for _ in range(2)]
        await until(gate.began.is_set)
        with pytest.raises(Unavailable, match="too much blocking work") as caught:
            await threads.run(gate)
        assert caught.value.retry_after == 1
        gate.end.set()
        assert await asyncio.gather(*tasks) == ["done", "done"]
        counted = threads.statistics()
        assert (counted.workers, counted.done, counted.refused, counted.dropped) == (1, 2, 1, 0)


async def test_dropped_results_are_counted_and_their_thread_is_free_again(call):
    gate = Gate()
    async with Threads(workers=1) as threads:
        task = asyncio.create_task(threads.run(gate))
        await until(gate.began.is_set)
        task.cancel()
        await asyncio.wait([task])
        gate.end.set()
        assert await threads.run(divide, 1, by=1) == 1
        assert threads.statistics().dropped == 1


async def test_only_as_many_threads_are_started_as_are_needed():
    async with Threads(workers=8) as threads:
        for _ in range(5):
            await threads.run(divide, 1, by=1)
        assert threads.statistics().workers == 1


async def test_a_call_past_its_deadline_does_not_begin(call):
    call.deadline = Deadline(0)

    async def handler(call: Call) -> object:
        async with Threads() as threads:
            return await threads.run(divide, 1, by=1)

    with pytest.raises(DeadlineExceeded):
        await call.run(handler)


async def test_closing_waits_for_what_has_begun_and_refuses_what_waits():
    first, second = Gate(), Gate()
    threads = Threads(workers=1)
    await threads.__aenter__()
    busy, waits = asyncio.create_task(threads.run(first)), asyncio.create_task(threads.run(second))
    await until(first.began.is_set)
    closing = asyncio.create_task(threads.__aexit__(None, None, None))
    with pytest.raises(Unavailable, match="shutting down"):
        await waits
    assert not closing.done()
    first.end.set()
    await closing
    assert await busy == "done"
    assert second.calls == 0
    with pytest.raises(Unavailable, match="shutting down"):
        await threads.run(divide, 1, by=1)


async def test_what_does_not_end_is_named():
    gate = Gate()
    threads = Threads(close_timeout=0.01)
    await threads.__aenter__()
    task = asyncio.create_task(threads.run(gate))
    await until(gate.began.is_set)
    with pytest.raises(TimeoutError, match=r"threads still running after 0\.01 s: .*Gate"):
        await threads.__aexit__(None, None, None)
    gate.end.set()
    assert await task == "done"
