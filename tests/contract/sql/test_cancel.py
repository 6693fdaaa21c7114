"""Cancelled anywhere: no connection is lost, poisoned or left in a transaction."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from hardy.core import Aborted, Unavailable


class Steps:
    """Runs a coroutine as a task and cancels it the moment it has waited for the n-th time."""

    def __init__(self, work, at, *, soon):
        self.work, self.at, self.soon, self.waits = work, at, soon, 0

    def __await__(self):
        running = self.work.__await__()
        value, error = None, None
        while True:
            try:
                awaited = running.send(value) if error is None else running.throw(error)
            except StopIteration as stop:
                return stop.value
            self.waits += 1
            if self.waits == self.at:
                cancel = asyncio.current_task().cancel
                asyncio.get_running_loop().call_soon(cancel) if self.soon else cancel()
            value, error = None, None
            try:
                value = yield awaited
            except BaseException as raised:
                error = raised


@pytest.fixture
def healthy(settled):
    async def healthy(database, expected):
        """Every connection works, is idle, and sees the same."""
        await settled(database)
        numbers = database.statistics()
        async with AsyncExitStack() as stack:
            blocks = [database.transaction(write=number == 0) for number in range(max(1, numbers.connections))]
            sessions = [await stack.enter_async_context(block) for block in blocks]
            found = {await each.first(int, "select count(*) from orders") for each in sessions}
        assert len(found) == 1
        assert found <= set(expected)

    return healthy


@pytest.mark.parametrize("write", [False, True], ids=["lazy", "write"])
@pytest.mark.parametrize("soon", [False, True], ids=["at-once", "a-turn-later"])
async def test_a_transaction_cancelled_at_any_await_leaves_all_or_nothing(database, healthy, soon, write):
    async def insert(session, sku):
        sql = "insert into orders (id, sku) values ((select coalesce(max(id), 0) + 1 from orders), :sku)"
        await session.execute(sql, sku=sku)

    async def work():
        async with database.transaction(write=write) as session:
            await session.first(int, "select count(*) from orders")
            await insert(session, f"a-{at}")
            async with session.transaction():
                await insert(session, f"b-{at}")
            await asyncio.sleep(0)
            await insert(session, f"c-{at}")

    at, done, kept = 0, False, 0
    while not done:
        at += 1
        steps = Steps(work(), at, soon=soon)

        async def run(steps=steps):
            return await steps

        task = asyncio.create_task(run())
        await asyncio.wait([task])
        done = not task.cancelled() and steps.waits < at
        await healthy(database, {kept, kept + 3})
        async with database.transaction() as session:
            kept = await session.first(int, "select count(*) from orders")
    assert at > 5
    assert kept >= 3


@pytest.mark.parametrize("calls", [120, pytest.param(2000, marks=pytest.mark.slow)])
async def test_calls_cancelled_at_random_under_load_lose_no_connection(database, healthy, endless, calls):
    dice = random.Random(calls)

    async def one(number):
        async with database.transaction() as session:
            if number % 3:
                await session.first(int, "select count(*) from orders")
            await session.execute("insert into orders (id, sku) values (:id, :sku)", id=number, sku=f"sku-{number}")
            if number % 5 == 0:
                await session.first(int, endless)

    tasks = [asyncio.create_task(one(number)) for number in range(calls)]
    for _ in range(calls // 4):
        dice.choice(tasks).cancel()
        await asyncio.sleep(0.001)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [e for e in outcomes if isinstance(e, Exception) and not isinstance(e, Aborted | Unavailable)] == []
    kept = sum(each is None for each in outcomes)
    # A commit that was under way when the cancellation came is kept too.
    await healthy(database, range(kept, calls + 1))


async def test_a_cancelled_statement_loses_the_transaction(database, healthy, endless):
    with pytest.raises(Aborted, match="nothing of it is kept"):
        async with database.transaction() as session:
            await session.execute("insert into orders (id, sku) values (1, 'tea')")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.first(int, endless)
    await healthy(database, {0})
