"""Background tasks are owned: they stop when told, and none fails in silence."""

import asyncio
from contextvars import ContextVar

import pytest

from hardy.core import Call, Operation, TaskFailed, current_call
from hardy.lifecycle import Restart, Tasks


class Sleeps(list):
    """Notes how long it should sleep, and does not."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def notices() -> list[TaskFailed]:
    return []


@pytest.fixture
def tasks(notices, sleeps) -> Tasks:
    return Tasks(notices.append, sleep=sleeps, jitter=lambda: 1.0, stop_timeout=0.5)


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


class Job:
    """Fails a number of times, then does what it is for."""

    def __init__(self, failures: int = 0, *, then: str = "return") -> None:
        self.failures = failures
        self.then = then
        self.starts = 0
        self.stopped = asyncio.Event()

    async def __call__(self) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise ConnectionError(f"failure {self.starts}")
        if self.then == "wait":
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()


async def test_a_task_that_returns_is_over(tasks, notices):
    async with tasks:
        tasks.start("relay", job := Job())
        await until(lambda: tasks.statistics()[0].state == "ended")
    assert (job.starts, notices) == (1, [])


async def test_a_task_is_stopped_when_the_app_ends(tasks, notices):
    async with tasks:
        tasks.start("relay", job := Job(then="wait"))
        await until(lambda: job.starts)
        assert tasks.statistics()[0].state == "running"
    assert job.stopped.is_set()
    assert tasks.statistics()[0].state == "stopped"
    assert notices == []


async def test_a_task_that_never_began_is_stopped_too(tasks):
    async with tasks:
        tasks.start("relay", job := Job(then="wait"))
    assert (job.starts, tasks.statistics()[0].state) == (0, "stopped")


async def test_a_failing_task_is_told_and_started_again_with_growing_waits(tasks, notices, sleeps):
    async with tasks:
        tasks.start("relay", job := Job(5), restart=Restart(first=1, most=5))
        await until(lambda: tasks.statistics()[0].state == "ended")
    assert job.starts == 6
    assert sleeps == [1, 2, 4, 5, 5]
    assert [(each.name, str(each.error), each.restart_in) for each in notices] == [
        ("relay", "failure 1", 1), ("relay", "failure 2", 2), ("relay", "failure 3", 4),
        ("relay", "failure 4", 5), ("relay", "failure 5", 5),
    ]  # fmt: skip
    assert tasks.statistics()[0].failures == 5
    assert str(tasks.statistics()[0].error) == "failure 5"


async def test_the_wait_is_drawn_from_nothing_up_to_the_ceiling(notices, sleeps):
    draws = iter([0.0, 0.5])
    async with Tasks(notices.append, sleep=sleeps, jitter=lambda: next(draws)) as tasks:
        tasks.start("relay", Job(2), restart=Restart(first=1))
        await until(lambda: tasks.statistics()[0].state == "ended")
    assert sleeps == [0, 1]


def test_a_thousand_failures_in_a_row_do_not_overflow():
    assert Restart(most=30).ceiling(100_000) == 30


async def test_a_task_that_ran_for_a_while_starts_anew_with_short_waits(tasks, sleeps):
    async with tasks:
        tasks.start("relay", Job(4), restart=Restart(first=1, settled=0))
        await until(lambda: tasks.statistics()[0].state == "ended")
    assert sleeps == [1, 1, 1, 1]


async def test_one_that_may_not_be_started_again_has_failed(tasks, notices):
    async with tasks:
        tasks.start("relay", job := Job(1), restart="never")
        await until(lambda: notices)
        assert tasks.statistics()[0].state == "failed"
    assert (job.starts, notices[0].restart_in) == (1, None)


async def test_after_so_many_attempts_it_is_given_up(tasks, notices):
    async with tasks:
        tasks.start("relay", job := Job(9), restart=Restart(attempts=3))
        await until(lambda: tasks.statistics()[0].state == "failed")
    assert job.starts == 3
    assert [each.restart_in is None for each in notices] == [False, False, True]


async def test_an_error_while_it_stops_is_told(tasks, notices):
    async def relay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("flush failed")

    async with tasks:
        tasks.start("relay", relay)
        await asyncio.sleep(0)
    assert [(str(each.error), each.restart_in) for each in notices] == [("flush failed", None)]


async def test_a_cancellation_of_its_own_making_is_a_failure(tasks, notices):
    async def relay() -> None:
        lost = asyncio.get_running_loop().create_future()
        lost.cancel()
        await lost

    async with tasks:
        tasks.start("relay", relay, restart="never")
        await until(lambda: notices)
    assert isinstance(notices[0].error, asyncio.CancelledError)


async def test_a_task_that_waits_for_its_next_attempt_stops_at_once(notices):
    async with Tasks(notices.append, jitter=lambda: 1.0) as tasks:
        tasks.start("relay", Job(1), restart=Restart(first=3600, most=3600))
        await until(lambda: notices)
        assert tasks.statistics()[0].state == "waiting"
    assert tasks.statistics()[0].state == "stopped"


async def test_one_that_does_not_stop_is_named(notices):
    ended = asyncio.Event()

    async def stubborn() -> None:
        while not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(TimeoutError, match=r"did not stop within 0\.01 s: other, stubborn"):
        async with Tasks(notices.append, stop_timeout=0.01) as tasks:
            tasks.start("stubborn", stubborn)
            tasks.start("other", stubborn)
            tasks.start("relay", Job(then="wait"))
            await asyncio.sleep(0)
    ended.set()
    await until(lambda: {each.state for each in tasks.statistics()} == {"ended", "stopped"})


async def test_one_task_is_stopped_by_its_name(tasks):
    async with tasks:
        tasks.start("relay", relay := Job(then="wait"))
        tasks.start("other", other := Job(then="wait"))
        await until(lambda: other.starts)
        await tasks.stop("relay")
        assert relay.stopped.is_set()
        assert not other.stopped.is_set()
        await tasks.stop("relay")
        with pytest.raises(KeyError):
            await tasks.stop("nobody")


async def test_a_name_is_free_again_when_its_task_is_over(tasks):
    async with tasks:
        tasks.start("relay", Job(then="wait"))
        with pytest.raises(RuntimeError, match="`relay` is running already"):
            tasks.start("relay", Job())
        await tasks.stop("relay")
        tasks.start("relay", Job())


async def test_nothing_is_started_outside_the_life_of_the_app(tasks):
    with pytest.raises(RuntimeError, match="`relay` can only be started while the app runs"):
        tasks.start("relay", Job())
    async with tasks:
        pass
    with pytest.raises(RuntimeError, match="can only be started while the app runs"):
        tasks.start("relay", Job())


async def test_a_task_started_by_a_call_belongs_to_the_app(tasks):
    app: ContextVar[str] = ContextVar("app")
    seen = []

    async def relay() -> None:
        seen.append((current_call(), app.get()))

    async def use_case() -> None: ...

    async def handler(call: Call) -> object:
        tasks.start("relay", relay)

    app.set("orders")
    async with tasks:
        await Call(Operation.of(use_case), "direct").run(handler)
        await until(lambda: seen)
    assert seen == [(None, "orders")]


async def test_stopping_is_not_interrupted(tasks):
    slow, door = asyncio.Event(), asyncio.Event()

    async def relay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            slow.set()
            await door.wait()

    async def body() -> None:
        async with tasks:
            tasks.start("relay", relay)
            await asyncio.sleep(0)

    task = asyncio.create_task(body())
    await slow.wait()
    task.cancel()
    await asyncio.sleep(0)
    door.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tasks.statistics()[0].state == "stopped"
