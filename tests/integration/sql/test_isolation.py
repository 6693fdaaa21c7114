"""The anomalies of Kleppmann's Hermitage, through the API: each level prevents what PostgreSQL's manual says, no more.

https://github.com/ept/hermitage
"""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import Aborted

LEVELS = ("read committed", "repeatable read", "serializable")
SCHEMA = """
create table if not exists test (id integer primary key, value integer not null);
truncate test;
insert into test values (1, 10), (2, 20);
"""


class Side:
    """One of the transactions, ended by hand."""

    def __init__(self, database, isolation):
        self.block = database.transaction(isolation=isolation)
        self.stack = AsyncExitStack()
        self.over = False

    async def begin(self):
        self.session = await self.stack.enter_async_context(self.block)
        return self

    async def write(self, id_, value):
        await self.session.execute("update test set value = :value where id = :id", id=id_, value=value)

    async def read(self, id_):
        return await self.session.first(int, "select value from test where id = :id", id=id_)

    async def threes(self):
        return await self.session.all(int, "select id from test where value % 3 = 0 order by id")

    async def commit(self):
        self.over = True
        await self.stack.aclose()

    async def abort(self):
        self.over = True
        with suppress(ValueError):
            await self.stack.__aexit__(ValueError, ValueError("abort"), None)


async def blocked(database, work):
    """Start what has to wait for another transaction, and return once it waits or is over."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(20):
        while not task.done():
            async with database.transaction() as session:
                if await session.first(
                    int,
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
                ):
                    break
    return task


async def dirty_write(a, b, c, database):
    await a.write(1, 11)
    waiting = await blocked(database, b.write(1, 12))
    await a.write(2, 21)
    await a.commit()
    await waiting
    await b.write(2, 22)
    await b.commit()
    return (await c.read(1), await c.read(2)) not in {(12, 22), (11, 21)}


async def aborted_read(a, b, c, database):
    await a.write(1, 101)
    first = await b.read(1)
    await a.abort()
    return 101 in {first, await b.read(1)}


async def intermediate_read(a, b, c, database):
    await a.write(1, 101)
    first = await b.read(1)
    await a.write(1, 11)
    await a.commit()
    return 101 in {first, await b.read(1)}


async def circular_information_flow(a, b, c, database):
    await a.write(1, 11)
    await b.write(2, 22)
    seen = await a.read(2), await b.read(1)
    await a.commit()
    await b.commit()
    return seen != (20, 10)


async def observed_transaction_vanishes(a, b, c, database):
    await a.write(1, 11)
    await a.write(2, 19)
    waiting = await blocked(database, b.write(1, 12))
    await a.commit()
    await waiting
    await c.read(1)
    await b.write(2, 18)
    await c.read(2)
    await b.commit()
    return await c.read(2) == 18 and await c.read(1) == 11


async def predicate_many_preceders(a, b, c, database):
    before = await a.threes()
    await b.session.execute("insert into test values (3, 30)")
    await b.commit()
    return await a.threes() != before


async def lost_update(a, b, c, database):
    await a.read(1)
    await b.read(1)
    await a.write(1, 11)
    waiting = await blocked(database, b.write(1, 12))
    await a.commit()
    await waiting
    await b.commit()
    return True


async def read_skew(a, b, c, database):
    first = await a.read(1)
    await b.write(1, 12)
    await b.write(2, 18)
    await b.commit()
    return first == 10 and await a.read(2) == 18


async def write_skew(a, b, c, database):
    for side in (a, b):
        await side.read(1)
        await side.read(2)
    await a.write(1, 11)
    await b.write(2, 21)
    await a.commit()
    await b.commit()
    return True


async def anti_dependency_cycle(a, b, c, database):
    await a.threes()
    await b.threes()
    await a.session.execute("insert into test values (3, 30)")
    await b.session.execute("insert into test values (4, 42)")
    await a.commit()
    await b.commit()
    return True


@pytest.mark.parametrize(
    ("anomaly", "happens_at"),
    [
        (dirty_write, ()),
        (aborted_read, ()),
        (intermediate_read, ()),
        (circular_information_flow, ()),
        (observed_transaction_vanishes, ()),
        (predicate_many_preceders, LEVELS[:1]),
        (lost_update, LEVELS[:1]),
        (read_skew, LEVELS[:1]),
        (write_skew, LEVELS[:2]),
        (anti_dependency_cycle, LEVELS[:2]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_each_level_prevents_what_it_promises(anomaly, happens_at, postgres_url):
    happened = []
    for level in LEVELS:
        settings = DatabaseSettings(url=postgres_url, connections=5, migrate="ignore")
        async with Database(settings, schema=SCHEMA) as database:
            sides = [await Side(database, level).begin() for _ in range(3)]
            try:
                if await anomaly(*sides, database):
                    happened.append(level)
            except Aborted:
                pass
            finally:
                for side in sides:
                    if not side.over:
                        await side.abort()
    assert tuple(happened) == happens_at


@pytest.mark.parametrize("clients", [12, pytest.param(100, marks=pytest.mark.slow)])
async def test_what_is_retried_loses_no_update_and_nothing_outside_is_repeated(postgres_url, clients):
    outside, inside = [], []
    async with Database(DatabaseSettings(url=postgres_url, connections=8, migrate="ignore"), schema=SCHEMA) as database:

        async def increment(number):
            async def work(session):
                inside.append(number)
                seen = await session.first(int, "select value from test where id = 1")
                await session.execute("update test set value = :value where id = 1", value=seen + 1)

            outside.append(number)
            await database.retrying(work, attempts=1000, isolation="repeatable read")

        await asyncio.gather(*(increment(number) for number in range(clients)))
        async with database.transaction() as session:
            assert await session.first(int, "select value from test where id = 1") == 10 + clients
        assert len(outside) == clients
        assert len(inside) > clients
        assert database.statistics().conflicts == len(inside) - clients


async def test_a_deadlock_is_retried(postgres_url):
    attempts = []
    async with Database(DatabaseSettings(url=postgres_url, connections=4, migrate="ignore"), schema=SCHEMA) as database:
        both = asyncio.Barrier(2)

        async def swap(one, two):
            async def work(session):
                attempts.append(one)
                await session.execute("update test set value = value + 1 where id = :id", id=one)
                if len(attempts) <= 2:
                    await both.wait()
                await session.execute("update test set value = value + 1 where id = :id", id=two)

            await database.retrying(work)

        await asyncio.gather(swap(1, 2), swap(2, 1))
        assert len(attempts) == 3
        async with database.transaction() as session:
            assert await session.all(int, "select value from test order by id") == [12, 22]
