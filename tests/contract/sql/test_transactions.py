"""A transaction is kept whole or not at all, on every database."""

import asyncio

import pytest

from hardy.core import Aborted, AlreadyExists, FailedPrecondition, Unavailable

SERIAL = "insert into orders (id, sku) values ((select coalesce(max(id), 0) + 1 from orders), :sku)"


@pytest.fixture
def insert():
    async def insert(session, sku="tea"):
        return await session.execute(SERIAL, sku=sku)

    return insert


async def test_what_was_written_is_kept_when_the_block_ends_well(database, insert, count):
    before = database.statistics().commits
    async with database.transaction() as session:
        assert await insert(session) == 1
        assert await session.first(int, "select count(*) from orders") == 1
    assert database.statistics().commits == before + 1
    assert await count() == 1


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), AlreadyExists("x"), SystemExit(), KeyboardInterrupt()],
    ids=["any", "ours", "exit", "interrupt"],
)
async def test_nothing_is_kept_when_it_raises(database, insert, count, error):
    with pytest.raises(type(error)):
        async with database.transaction() as session:
            await insert(session)
            raise error
    assert await count() == 0
    assert database.statistics().rollbacks == 1


async def test_no_connection_is_taken_before_the_first_statement(database):
    async with database.transaction() as session:
        before = database.statistics()
        assert before.idle == before.connections
        await session.first(int, "select 1")
        assert database.statistics().idle == before.idle - 1
    assert database.statistics().idle == before.idle


async def test_a_session_ends_with_its_block(database):
    async with database.transaction() as session:
        pass
    with pytest.raises(RuntimeError, match="is over"):
        await session.first(int, "select 1")


async def test_rows_changed_are_counted(database, insert):
    async with database.transaction() as session:
        for number in range(3):
            await insert(session, f"sku-{number}")
        assert await session.execute("update orders set quantity = 9") == 3
        assert await session.execute("delete from orders where sku <> :sku", sku="sku-0") == 2
        assert await session.execute("delete from orders where id = 99") == 0
        assert await session.execute("select * from orders") == 1
        made = "insert into orders (id, sku) values (7, 'a'), (8, 'b') returning id"
        assert await session.all(int, made) == [7, 8]
        made = "insert into orders (id, sku) values (9, 'c'), (10, 'd') returning id"
        assert await session.first(int, made) == 9
        assert await session.first(int, "select count(*) from orders") == 5


async def test_a_part_can_fail_by_itself(database, insert, count):
    async with database.transaction() as session:
        await insert(session, "outer")
        with pytest.raises(AlreadyExists):
            async with session.transaction():
                await insert(session, "inner")
                async with session.transaction():
                    await insert(session, "innermost")
                await insert(session, "outer")
        async with session.transaction():
            await insert(session, "second")
        assert await session.all(str, "select sku from orders order by id") == ["outer", "second"]
    assert await count() == 2


async def test_parts_may_be_empty_or_first(database, insert, count):
    async with database.transaction() as session:
        async with session.transaction(), session.transaction():
            pass
        numbers = database.statistics()
        assert numbers.idle == numbers.connections
        with pytest.raises(ValueError, match="x"):
            async with session.transaction(), session.transaction():
                raise ValueError("x")
        with pytest.raises(ValueError, match="x"):
            async with session.transaction():
                await insert(session, "first")
                raise ValueError("x")
        async with session.transaction():
            assert await session.first(int, "select count(*) from orders") == 0
            await insert(session, "second")
    assert await count() == 1


async def test_a_failed_statement_takes_its_part_with_it_and_no_more(database, insert, count):
    async with database.transaction() as session:
        await insert(session, "outer")
        with pytest.raises(RuntimeError, match="this sku is taken"):
            async with session.transaction():
                await insert(session, "inner")
                with pytest.raises(AlreadyExists):
                    await insert(session, "inner")
                with pytest.raises(RuntimeError, match="this sku is taken"):
                    await insert(session, "other")
        await insert(session, "second")
    assert await count() == 2


async def test_a_commit_that_fails_is_the_answer_and_keeps_nothing(database, insert, count):
    async with database.transaction() as session:
        await session.execute("create table late (buyer integer references buyers (id) deferrable initially deferred)")
    kept = []
    with pytest.raises(FailedPrecondition, match="refers to"):
        async with database.transaction() as session:
            session.after_commit(lambda: kept.append(1))
            await insert(session)
            await session.execute("insert into late values (99)")
    assert await count() == 0
    assert kept == []


async def test_after_a_commit_its_callbacks_are_called(database, insert):
    kept = []
    async with database.transaction() as session:
        session.after_commit(lambda: kept.append(database.statistics().commits))
        await insert(session)
    async with database.transaction() as session:
        session.after_commit(lambda: kept.append("nothing to commit"))
    assert kept == [1, "nothing to commit"]


async def test_callers_that_must_not_write_are_refused(database, insert, count):
    with pytest.raises(Exception, match=r"read-only"):
        async with database.transaction(read_only=True) as session:
            assert await session.first(int, "select count(*) from orders") == 0
            await insert(session)
    assert await count() == 0


async def test_a_function_that_writes_is_part_of_its_transaction(database, count):
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no functions that write")
    async with database.transaction() as session:
        await session.execute(
            "create function sneak() returns integer language sql as 'insert into orders (id, sku) values (1, ''x'') returning id'"
        )
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            async with database.transaction() as session:
                await session.first(int, "select sneak()")
                raise ValueError("x")
        assert await count() == 0
    async with database.transaction() as session:
        await session.first(int, "select sneak()")
    assert await count() == 1


async def test_statements_of_several_tasks_wait_for_one_another(database, insert):
    async with database.transaction() as session:
        await asyncio.gather(*(insert(session, f"sku-{number}") for number in range(10)))
        assert await session.first(int, "select count(*) from orders") == 10


async def test_a_closed_database_is_unavailable(settings):
    from hardy.adapters.sql import Database

    database = Database(settings)
    with pytest.raises(Unavailable, match="not open"):
        await database.ping()
    async with database:
        await database.ping()
    with pytest.raises(Unavailable, match="not open"):
        await database.ping()


async def test_a_session_that_outlives_the_database_is_refused(settings):
    from hardy.adapters.sql import Database

    with pytest.raises(Unavailable, match="closed"):
        async with Database(settings) as database, database.transaction() as session:
            await session.execute("create table t (x integer)")
            await database.__aexit__(None, None, None)
            await session.first(int, "select 1")
    with pytest.raises(Unavailable, match="before the transaction was committed"):
        async with Database(settings) as database, database.transaction() as session:
            await session.execute("create table t (x integer)")
            await database.__aexit__(None, None, None)


async def test_a_lost_update_is_refused_where_the_isolation_says_so(settings, database, insert):
    if database.worker_local:
        pytest.skip("one connection: transactions wait for one another")
    async with database.transaction() as session:
        await insert(session)

    async def increment():
        async with database.transaction(isolation="repeatable read") as session:
            seen = await session.first(int, "select quantity from orders")
            await gate.wait()
            await session.execute("update orders set quantity = :quantity", quantity=seen + 1)

    gate = asyncio.Barrier(2)
    outcomes = await asyncio.gather(increment(), increment(), return_exceptions=True)
    assert sum(isinstance(each, Aborted) for each in outcomes) == 1
    async with database.transaction() as session:
        assert await session.first(int, "select quantity from orders") == 2
    assert database.statistics().conflicts == 1
