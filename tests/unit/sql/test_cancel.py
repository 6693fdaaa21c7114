"""Cancelled anywhere, late, or in a hurry: no connection is lost, poisoned or left in a transaction."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.core import Aborted, Call, Deadline, DeadlineExceeded, Operation, Unavailable

ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"


async def place_order() -> None: ...


def call_with(seconds: float | None = None) -> Call:
    call = Call(Operation.of(place_order), "direct")
    if seconds is not None:
        call.deadline = Deadline.after(seconds)
    return call


async def healthy(database, expected):
    """Every connection works, is idle, and sees the same."""
    numbers = database.statistics()
    assert numbers.idle == numbers.connections
    async with AsyncExitStack() as stack:
        blocks = [database.transaction(write=number == 0) for number in range(numbers.connections)]
        sessions = [await stack.enter_async_context(block) for block in blocks]
        found = {await each.first(int, "select count(*) from orders") for each in sessions}
        assert database.statistics().idle == 0
    assert len(found) == 1
    assert found <= set(expected)


async def test_waiting_for_the_turn_to_write_ends_at_the_deadline(settings, insert):
    patient = replace(settings, acquire_timeout=600.0)  # so that nothing but the deadline can end it
    async with Database(patient, schema="create table orders (sku, quantity)") as database:

        async def handler(call):
            async with database.transaction() as session:
                await insert(session)

        async with database.transaction() as other:
            await insert(other)
            async with asyncio.timeout(30):
                with pytest.raises(DeadlineExceeded):
                    await call_with(0.1).run(handler)
        await healthy(database, {1})


async def test_nobody_waits_for_ever(tmp_path, insert):
    settings = DatabaseSettings(url=f"sqlite:///{tmp_path}/x.db", connections=1, acquire_timeout=0.05)
    async with Database(settings, schema="create table orders (sku, quantity)") as database:
        async with database.transaction() as reader, database.transaction() as writer:
            await reader.first(int, "select 1")
            await insert(writer)
            with pytest.raises(Unavailable, match="no connection is free"):
                async with database.transaction() as other:
                    await other.first(int, "select 1")
            with pytest.raises(Unavailable, match="others are writing") as caught:
                async with database.transaction() as other:
                    await insert(other)
            assert caught.value.retry_after == 1
            assert database.statistics().waiting == 0
        await healthy(database, {1})


async def test_writers_take_turns_in_the_order_of_their_arrival(database, insert):
    order = []

    async def write(number):
        async with database.transaction() as session:
            await insert(session, f"sku-{number}")
            order.append(number)

    await asyncio.gather(*(write(number) for number in range(30)))
    assert order == list(range(30))


async def test_another_process_that_writes_is_waited_for(database, insert, settings):
    other = sqlite3.connect(settings.url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    threading.Timer(0.1, lambda: other.execute("commit")).start()
    async with database.transaction() as session:
        await insert(session)
    other.execute("begin immediate")
    try:
        with pytest.raises(DeadlineExceeded):

            async def handler(call):
                async with database.transaction() as session:
                    await insert(session, "late")

            await call_with(0.1).run(handler)
    finally:
        other.execute("rollback")
        other.close()
    await healthy(database, {1})


async def test_an_operation_that_conflicted_queues_before_it_reads(database, insert):
    async with database.transaction() as session:
        await insert(session, quantity=1)

    async def increment(call):
        async with database.transaction() as session:
            seen = await session.first(int, "select quantity from orders")
            await asyncio.sleep(0)
            await session.execute("update orders set quantity = :quantity", quantity=seen + 1)

    async def attempt():
        try:
            await call_with().run(increment)
        except Aborted:
            return 0
        return 1

    first = sum(await asyncio.gather(*(attempt() for _ in range(10))))
    second = sum(await asyncio.gather(*(attempt() for _ in range(10))))
    assert second == 10
    async with database.transaction() as session:
        assert await session.first(int, "select quantity from orders") == 1 + first + second


async def test_the_session_of_a_call_is_brought_by_the_database(database, insert):
    provider, _ = database.providers()
    call = call_with(5)
    opened = provider(call)
    session = await anext(opened)
    assert isinstance(session, Session)
    await insert(session)
    with pytest.raises(StopAsyncIteration):
        await anext(opened)
    opened = provider(call_with(5))
    await insert(await anext(opened), "other")
    with pytest.raises(ValueError, match="x"):
        await opened.athrow(ValueError("x"))
    await healthy(database, {1})


async def test_closing_stops_what_runs(settings):
    async with Database(settings) as database:

        async def endless():
            async with database.transaction() as session:
                await session.first(int, ENDLESS)

        task = asyncio.create_task(endless())
        while database.statistics().statements == 0:
            await asyncio.sleep(0)
    with pytest.raises((Unavailable, DeadlineExceeded)):
        await task


@pytest.mark.parametrize("how", ["returns", "raises", "running"])
def test_a_process_ends_even_when_the_database_was_not_closed(tmp_path, how):
    program = f"""
import asyncio
from hardy.adapters.sql import Database, DatabaseSettings

async def main():
    database = await Database(DatabaseSettings(url="sqlite:///{tmp_path}/x.db"), schema="create table if not exists t (x)").__aenter__()
    block = database.transaction()
    session = await block.__aenter__()
    await session.execute("insert into t values (1)")
    if {how!r} == "running":
        asyncio.ensure_future(session.first(int, {ENDLESS!r}))
        await asyncio.sleep(0.05)
    if {how!r} == "raises":
        raise ValueError("x")

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=10, capture_output=True, check=False)
    assert done.returncode == (1 if how == "raises" else 0), done.stderr
    raw = sqlite3.connect(tmp_path / "x.db")
    assert raw.execute("select count(*) from t").fetchone() == (0,)
    raw.close()
