"""Closing is not interrupted, by whomever and whenever it is tried."""

import asyncio

import pytest

from hardy.core import shielded


class Close:
    """Work that waits for a number of doors, one after the other, and notes how far it came."""

    def __init__(self, doors: int = 1, *, fails: bool = False) -> None:
        self.doors = [asyncio.Event() for _ in range(doors)]
        self.fails = fails
        self.passed = 0
        self.interrupted = 0

    async def run(self) -> str:
        for door in self.doors:
            try:
                await door.wait()
            except asyncio.CancelledError:
                self.interrupted += 1
                raise
            self.passed += 1
        if self.fails:
            raise ConnectionError("commit failed")
        return "closed"


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_work_that_never_waits_gives_its_result():
    assert await shielded(Close(0).run()) == "closed"


async def test_work_that_waits_gives_its_result():
    close = Close()
    task = asyncio.create_task(shielded(close.run()))
    await turns()
    close.doors[0].set()
    assert await task == "closed"


async def test_the_error_of_the_work_comes_out():
    with pytest.raises(ConnectionError):
        await shielded(Close(0, fails=True).run())


async def test_work_that_is_cancelled_by_itself_is_cancelled():
    lost = asyncio.get_running_loop().create_future()
    lost.cancel()

    async def work() -> None:
        await asyncio.sleep(0)
        await lost

    with pytest.raises(asyncio.CancelledError):
        await shielded(work())
    assert asyncio.current_task().cancelling() == 0


async def test_a_foreign_cancel_waits_until_the_work_is_over():
    close = Close(2)
    task = asyncio.create_task(shielded(close.run()))
    await turns()
    assert task.cancel("go away")
    await turns()
    close.doors[0].set()
    await turns()
    task.cancel("go away")
    close.doors[1].set()
    with pytest.raises(asyncio.CancelledError, match="go away"):
        await task
    assert (close.passed, close.interrupted) == (2, 0)


async def test_every_kept_request_counts_afterwards():
    close, seen = Close(), []

    async def body() -> None:
        try:
            await shielded(close.run())
        finally:
            seen.append(asyncio.current_task().cancelling())

    task = asyncio.create_task(body())
    await turns()
    task.cancel()
    task.cancel()
    close.doors[0].set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [2]


async def test_a_cancel_between_the_last_step_and_the_end_is_kept():
    close = Close()
    task = asyncio.create_task(shielded(close.run()))
    await turns()
    close.doors[0].set()  # the task is about to run
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert close.passed == 1


async def test_a_request_of_before_that_nobody_has_met_is_kept():
    close = Close()

    async def body() -> None:
        asyncio.current_task().cancel()
        await shielded(close.run())

    task = asyncio.create_task(body())
    await turns()
    close.doors[0].set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (close.passed, close.interrupted) == (1, 0)


async def test_work_that_yields_to_the_loop_is_not_interrupted_either():
    steps = []

    async def work() -> None:
        for step in range(5):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.create_task(shielded(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == [0, 1, 2, 3, 4]


async def test_when_the_work_fails_its_error_is_raised_and_the_request_meets_the_next_await():
    close, seen = Close(fails=True), []

    async def body() -> None:
        try:
            await shielded(close.run())
        except ConnectionError:
            seen.append("failed")
        await asyncio.sleep(0)
        seen.append("went on")

    task = asyncio.create_task(body())
    await turns()
    task.cancel()
    close.doors[0].set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["failed"]


async def test_after_its_limit_the_work_is_cancelled():
    close = Close()
    task = asyncio.create_task(shielded(close.run(), limit=0))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert close.interrupted == 1


async def test_work_past_its_limit_that_does_not_give_in_is_cancelled_again():
    refused = []

    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                refused.append(1)
        await asyncio.Event().wait()

    task = asyncio.create_task(shielded(stubborn(), limit=0))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert refused == [1, 1]


async def test_work_past_its_limit_that_only_yields_is_cancelled_too():
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    task = asyncio.create_task(shielded(spin(), limit=0))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_limits_work_that_nobody_wants_cancelled():
    async def work() -> str:
        await asyncio.sleep(0.01)
        return "closed"

    assert await shielded(work(), limit=0) == "closed"


@pytest.mark.parametrize("delay", [0, 0.001], ids=["at once", "later"])
@pytest.mark.parametrize("wait", ["a future", "the loop", "a task"])
async def test_a_timeout_inside_the_work_works(delay: float, wait: str):
    async def work() -> str:
        try:
            async with asyncio.timeout(delay):
                while True:
                    if wait == "a future":
                        await asyncio.Event().wait()
                    elif wait == "a task":
                        await asyncio.create_task(asyncio.Event().wait())
                    else:
                        await asyncio.sleep(0)
        except TimeoutError:
            return "timed out"

    assert await shielded(work()) == "timed out"
    assert asyncio.current_task().cancelling() == 0


async def test_a_timeout_inside_stays_a_timeout_when_somebody_else_cancels_as_well():
    seen = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.005):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("timed out")

    task = asyncio.create_task(shielded(work()))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["timed out"]


async def test_a_timeout_around_the_shield_fires_when_the_work_is_over():
    close = Close()
    asyncio.get_running_loop().call_later(0.01, close.doors[0].set)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await shielded(close.run())
    assert close.passed == 1
    assert asyncio.current_task().cancelling() == 0


async def test_a_task_group_inside_the_work_is_ended_by_its_failing_child():
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await shielded(work())
    assert caught.group_contains(ConnectionError)


async def test_a_timeout_that_fires_when_its_future_is_done_is_not_taken_for_a_foreign_cancel():
    async def work() -> str:
        door = asyncio.get_running_loop().create_future()
        task = asyncio.current_task()

        def both() -> None:
            door.set_result(None)
            asyncio.get_running_loop().call_soon(task.cancel)

        asyncio.get_running_loop().call_soon(both)
        try:
            await door
        except asyncio.CancelledError:
            task.uncancel()
            return "cancelled from inside"
        return "not cancelled"

    assert await shielded(work()) == "cancelled from inside"


async def test_one_shield_inside_another_keeps_too():
    outer, inner = Close(), Close()

    async def work() -> None:
        await shielded(inner.run())
        await outer.run()

    task = asyncio.create_task(shielded(work()))
    await turns()
    task.cancel()
    await turns()
    inner.doors[0].set()
    await turns()
    outer.doors[0].set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (inner.passed, outer.passed, inner.interrupted, outer.interrupted) == (1, 1, 0, 0)


async def test_a_timeout_works_inside_two_shields():
    async def innermost() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"

    async def work() -> str:
        return await shielded(innermost())

    assert await shielded(work()) == "timed out"


async def test_a_timeout_between_two_shields_waits_for_the_inner_one():
    inner, seen = Close(), []

    async def work() -> None:
        try:
            async with asyncio.timeout(0):
                await shielded(inner.run())
        except TimeoutError:
            seen.append(inner.passed)

    asyncio.get_running_loop().call_later(0.01, inner.doors[0].set)
    await shielded(work())
    assert seen == [1]


async def test_work_runs_in_the_task_and_context_of_the_caller():
    seen = []

    async def work() -> None:
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    await shielded(work())
    assert seen == [asyncio.current_task()]


async def test_a_close_that_waits_for_a_lock_of_the_same_task_gets_it():
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(shielded(lock.acquire()))
    await turns()
    task.cancel()
    lock.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lock.locked()
