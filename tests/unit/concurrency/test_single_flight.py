"""Calls for the same thing at the same time share one execution."""

import asyncio

import pytest

from hardy.concurrency import SingleFlight, single_flight
from hardy.core import Call, Deadline, DeadlineExceeded, NotFound, Operation, TaskFailed, Unavailable, current_call


class Load:
    """Counts how often it is run, and ends when the test says so."""

    def __init__(self):
        self.runs = 0
        self.gate = asyncio.Event()

    async def __call__(self):
        self.runs += 1
        run = self.runs
        await self.gate.wait()
        return run


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize("callers", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_many_callers_share_one_execution(callers):
    load = Load()
    async with SingleFlight() as flights:
        tasks = [asyncio.create_task(flights.run("k", load)) for _ in range(callers)]
        await until(lambda: flights.statistics().shared == callers - 1)
        load.gate.set()
        assert await asyncio.gather(*tasks) == [1] * callers
    assert load.runs == 1
    assert flights.statistics().running == 0


async def test_other_keys_are_executed_beside():
    load = Load()
    async with SingleFlight() as flights:
        tasks = [asyncio.create_task(flights.run(key, load)) for key in "aabbc"]
        await until(lambda: load.runs == 3)
        load.gate.set()
        await asyncio.gather(*tasks)
    assert load.runs == 3


async def test_nothing_is_remembered():
    load = Load()
    load.gate.set()
    async with SingleFlight() as flights:
        assert [await flights.run("k", load) for _ in range(3)] == [1, 2, 3]


async def test_an_error_goes_to_everybody_who_waits_and_to_nobody_after():
    error, gate = NotFound("x"), asyncio.Event()

    async def fail():
        await gate.wait()
        raise error

    async with SingleFlight() as flights:
        tasks = [asyncio.create_task(flights.run("k", fail)) for _ in range(5)]
        await until(lambda: flights.statistics().shared == 4)
        gate.set()
        assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 5
        load = Load()
        load.gate.set()
        assert await flights.run("k", load) == 1


async def test_the_first_caller_may_leave():
    load = Load()
    async with SingleFlight() as flights:
        first = asyncio.create_task(flights.run("k", load))
        second = asyncio.create_task(flights.run("k", load))
        await until(lambda: flights.statistics().shared == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        load.gate.set()
        assert await second == 1
    assert load.runs == 1


async def test_an_execution_goes_on_when_everybody_left():
    load = Load()
    async with SingleFlight() as flights:
        tasks = [asyncio.create_task(flights.run("k", load)) for _ in range(3)]
        await until(lambda: load.runs == 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        late = asyncio.create_task(flights.run("k", load))
        await until(lambda: flights.statistics().shared == 3)
        load.gate.set()
        assert await late == 1


async def test_a_failure_that_nobody_waits_for_is_told():
    told, gate = [], asyncio.Event()

    async def fail():
        await gate.wait()
        raise KeyError("x")

    async with SingleFlight(emit=told.append) as flights:
        task = asyncio.create_task(flights.run("k", fail))
        await until(lambda: flights.statistics().running == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gate.set()
        await until(lambda: told)
    assert isinstance(told[0], TaskFailed)
    assert "'k'" in told[0].name
    assert flights.statistics().abandoned == 1


async def test_an_execution_sees_no_call():
    seen = []

    async def load():
        seen.append(current_call())

    async def nap() -> None: ...

    async with SingleFlight() as flights:
        await Call(Operation.of(nap), "direct").run(lambda call: flights.run("k", load))
    assert seen == [None]


async def in_a_call(deadline, work):
    async def nap() -> None: ...

    async def body(call):
        call.deadline = deadline
        return await work()

    return await Call(Operation.of(nap), "direct").run(body)


async def test_each_caller_waits_until_its_own_deadline():
    load = Load()
    async with SingleFlight() as flights:
        patient = asyncio.create_task(in_a_call(Deadline.after(60), lambda: flights.run("k", load)))
        hasty = asyncio.create_task(in_a_call(Deadline.after(0.02), lambda: flights.run("k", load)))
        with pytest.raises(DeadlineExceeded):
            await hasty
        load.gate.set()
        assert await patient == 1
    assert load.runs == 1


async def test_a_call_that_is_late_begins_nothing():
    load = Load()
    async with SingleFlight() as flights:
        with pytest.raises(DeadlineExceeded):
            await in_a_call(Deadline.after(-1), lambda: flights.run("k", load))
    assert load.runs == 0


async def test_an_execution_that_takes_too_long_ends():
    async with SingleFlight(timeout=0.01) as flights:
        with pytest.raises(DeadlineExceeded, match="longer than"):
            await flights.run("k", asyncio.Event().wait)


async def test_a_timeout_of_the_function_is_its_own_error():
    async def fail():
        raise TimeoutError("mine")

    async with SingleFlight() as flights:
        with pytest.raises(TimeoutError, match="mine"):
            await flights.run("k", fail)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "interrupt"])
async def test_what_would_end_the_loop_is_an_error_for_who_waits(error):
    async def fail():
        raise error

    async with SingleFlight() as flights:
        with pytest.raises(RuntimeError) as caught:
            await flights.run("k", fail)
    assert caught.value.__cause__ is error


async def test_a_function_that_fails_before_it_awaits():
    def fail():
        raise KeyError("x")

    async with SingleFlight() as flights:
        with pytest.raises(KeyError):
            await flights.run("k", fail)
        assert "k" not in flights


async def test_after_forget_the_next_call_begins_anew():
    first, second = Load(), Load()
    async with SingleFlight() as flights:
        old = asyncio.create_task(flights.run("k", first))
        await until(lambda: first.runs == 1)
        assert flights.forget("k") is True
        assert flights.forget("k") is False
        new = asyncio.create_task(flights.run("k", second))
        await until(lambda: second.runs == 1)
        first.gate.set()
        assert await old == 1
        assert "k" in flights  # the end of the forgotten one leaves the new one alone
        second.gate.set()
        assert await new == 1


async def test_closing_cancels_what_is_in_flight():
    load = Load()
    async with SingleFlight() as flights:
        task = asyncio.create_task(flights.run("k", load))
        await until(lambda: load.runs == 1)
    with pytest.raises(Unavailable):
        await task
    with pytest.raises(Unavailable):
        await flights.run("k", load)


async def test_start_waits_for_nobody():
    load = Load()
    async with SingleFlight() as flights:
        assert flights.start("k", load) is True
        assert flights.start("k", load) is False
        load.gate.set()
        assert await flights.run("k", load) == 1
    assert load.runs == 1


async def test_a_crowd_that_leaves_does_not_take_long():
    load = Load()
    async with SingleFlight() as flights:
        tasks = [asyncio.create_task(flights.run("k", load)) for _ in range(2_000)]
        await until(lambda: flights.statistics().shared == 1_999)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in done)
        load.gate.set()


async def test_a_wrapped_function_shares_by_its_arguments():
    seen = []

    async def price(sku, *, currency="eur"):
        seen.append((sku, currency))
        await asyncio.sleep(0)
        return sku

    shared = single_flight(price)
    await asyncio.gather(shared("tea"), shared("tea"), shared("tea", currency="usd"), shared("oil"))
    assert sorted(seen) == [("oil", "eur"), ("tea", "eur"), ("tea", "usd")]
    assert shared.__name__ == "price"


async def test_a_wrapped_function_shares_by_its_key():
    runs = []

    async def load(request):
        runs.append(request["id"])
        await asyncio.sleep(0)
        return request["id"]

    shared = single_flight(load, key=lambda request: request["id"])
    assert await asyncio.gather(*(shared({"id": 1, "n": n}) for n in range(3))) == [1, 1, 1]
    assert runs == [1]
