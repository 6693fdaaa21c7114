"""What only a lock on PostgreSQL can get wrong."""

import asyncio

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.lock import PostgresLock
from hardy.cache import LockLost
from hardy.core import BuildFailed, Call, Deadline, DeadlineExceeded, Operation, Unavailable

SCHEMA = PostgresLock.schema_steps[0].postgresql


@pytest.fixture
def settings(postgres_url):
    return DatabaseSettings(url=postgres_url, acquire_timeout=20)


@pytest.fixture
async def database(settings):
    async with Database(settings, schema=SCHEMA) as database:
        yield database


@pytest.fixture
async def lock(settings, database):
    async with PostgresLock(settings) as lock:
        yield lock


async def end_sessions(database):
    async with database.transaction(write=True) as session:
        await session.all(
            bool, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hardy lock'"
        )


async def nap() -> None: ...


async def test_two_processes_worth_of_locks_exclude_each_other(settings, lock):
    async with PostgresLock(settings) as other:
        token = await lock.take("n", ttl=60, wait=0)
        assert await other.take("n", ttl=60, wait=0) is None
        assert await other.release("n", token) is False
        assert await lock.release("n", token) is True
        assert await other.take("n", ttl=60, wait=0) > token


async def test_the_holder_is_cancelled_when_its_session_is_ended(lock, database):
    async def hold():
        async with lock.hold("n", ttl=0.9):
            await end_sessions(database)
            await asyncio.sleep(60)

    async with asyncio.timeout(30):
        with pytest.raises(LockLost):
            await hold()
    assert await lock.take("n", ttl=60, wait=20) is not None


async def test_who_lost_its_session_holds_nothing_of_it(lock, database):
    token = await lock.take("n", ttl=60, wait=0)
    await end_sessions(database)
    async with asyncio.timeout(20):
        while await lock.extend("n", token, ttl=60):
            await asyncio.sleep(0.01)
    assert await lock.release("n", token) is False
    assert await lock.take("n", ttl=60, wait=20) > token


async def test_closing_gives_everything_back(settings, database):
    async with PostgresLock(settings) as lock:
        await lock.take("n", ttl=60, wait=0)
    async with PostgresLock(settings) as other:
        assert await other.take("n", ttl=60, wait=20) is not None
    with pytest.raises(Unavailable, match="is not open"):
        await lock.take("n", ttl=60, wait=0)


async def test_tokens_rise_when_the_table_was_lost(lock, database):
    token = await lock.take("n", ttl=60, wait=0)
    async with database.transaction() as session:
        await session.execute("delete from hardy_fence")
    assert await lock.take("other", ttl=60, wait=0) > token


async def test_without_its_table_nothing_is_held(settings):
    async with PostgresLock(settings) as lock, PostgresLock(settings) as other:
        with pytest.raises(Exception, match="hardy_fence"):
            await lock.take("n", ttl=60, wait=0)
        async with Database(settings, schema=SCHEMA):
            assert await other.take("n", ttl=60, wait=20) is not None


async def test_a_caller_that_leaves_while_it_takes_gives_it_back(settings, lock):
    taking = asyncio.ensure_future(lock.take("n", ttl=60, wait=0))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await lock.take("n", ttl=60, wait=20) is not None


async def test_the_deadline_bounds_taking_but_not_giving_back(lock):
    async def take(call):
        call.deadline = Deadline.after(-1)
        await lock.take("n", ttl=60, wait=0)

    async def release(call):
        call.deadline = Deadline.after(-1)
        return await lock.release("n", token)

    with pytest.raises(DeadlineExceeded):
        await Call(Operation.of(nap), "direct").run(take)
    token = await lock.take("n", ttl=60, wait=20)
    assert await Call(Operation.of(nap), "direct").run(release) is True


async def test_many_names_are_held_on_one_connection(lock, database):
    tokens = await asyncio.gather(*(lock.take(f"n{n}", ttl=60, wait=0) for n in range(50)))
    assert len(set(tokens)) == 50
    async with database.transaction() as session:
        found = "select count(*) from pg_stat_activity where application_name = 'hardy lock'"
        assert await session.first(int, found) == 1


async def test_a_server_that_is_away_says_so(settings, postgres_server, lock):
    token = await lock.take("n", ttl=60, wait=0)
    postgres_server.stop()
    try:
        with pytest.raises(Unavailable):
            await lock.take("other", ttl=60, wait=0)
        assert await lock.extend("n", token, ttl=60) is False
    finally:
        postgres_server.start()
    assert await lock.take("n", ttl=60, wait=20) > token


def test_another_database_is_refused_at_build():
    with pytest.raises(BuildFailed) as failed:
        PostgresLock(DatabaseSettings(url="sqlite:///orders.db"))
    assert [fault.code for fault in failed.value.diagnostics] == ["H0284"]
