"""A transaction on SQLite that read before others wrote: it goes on when what it read still holds."""

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import Aborted

BUY = "insert into buyers (id, region, name) values (:id, 'north', :name)"
ADD = "update orders set quantity = :quantity where sku = 'tea'"


@pytest.fixture
async def tea(database, insert):
    async with database.transaction() as session:
        await insert(session, quantity=5)


async def elsewhere(database, sql, **given):
    async with database.transaction() as session:
        await session.execute(sql, **given)


async def quantity(session) -> int:
    return await session.first(int, "select quantity from orders where sku = 'tea'")


async def test_what_others_write_elsewhere_is_nothing_to_it(database, tea):
    async with database.transaction() as session:
        seen = await quantity(session)
        assert await session.all(str, "select name from buyers") == []
        await elsewhere(database, "insert into orders (sku, quantity) values ('jam', 1)")
        await session.execute(ADD, quantity=seen + 1)
        assert await session.all(str, "select sku from orders order by sku") == ["jam", "tea"]
    async with database.transaction() as session:
        assert await quantity(session) == 6
    assert database.statistics().conflicts == 0


async def test_a_row_more_than_was_read_is_a_change(database, tea):
    with pytest.raises(Aborted, match="changed meanwhile"):
        async with database.transaction() as session:
            assert await session.all(str, "select name from buyers") == []
            await elsewhere(database, BUY, id=1, name="ann")
            await session.execute(BUY, id=2, name="bob")
    assert database.statistics().conflicts == 1


async def test_parts_that_are_open_stay_open(database, tea):
    async with database.transaction() as session:
        seen = await quantity(session)
        await elsewhere(database, BUY, id=1, name="ann")
        with pytest.raises(ValueError, match="never mind"):
            async with session.transaction():
                await session.execute(ADD, quantity=99)
                raise ValueError("never mind")
        await session.execute(ADD, quantity=seen + 1)
    async with database.transaction() as session:
        assert await quantity(session) == 6


async def test_another_process_that_writes_is_waited_for(database, settings, tea):
    async with Database(settings) as other, database.transaction() as session:
        seen = await quantity(session)
        await elsewhere(other, BUY, id=1, name="ann")
        await session.execute(ADD, quantity=seen + 1)
    async with database.transaction() as session:
        assert await quantity(session) == 6


@pytest.mark.parametrize("reads", [101, 1], ids=["statements", "rows"])
async def test_who_has_read_too_much_is_refused_as_ever(database, tea, reads):
    counting = (
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < :rows) select i from n, orders"
    )
    with pytest.raises(Aborted):
        async with database.transaction() as session:
            for _ in range(reads):
                await session.all(int, counting, rows=2001 if reads == 1 else 1)
            await elsewhere(database, BUY, id=1, name="ann")
            await session.execute(ADD, quantity=1)


async def test_a_writer_that_never_reads_alike_is_refused(tmp_path):
    settings = DatabaseSettings(url=f"sqlite:///{tmp_path}/chance.db", durable=False)
    async with Database(settings, schema="create table drawn (number integer)") as database:
        with pytest.raises(Aborted):
            async with database.transaction() as session:
                await session.first(int, "select abs(random()) from (select count(*) from drawn)")
                await elsewhere(database, "insert into drawn values (1)")
                await session.execute("insert into drawn values (2)")
