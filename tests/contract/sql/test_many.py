"""Many rows: written at once, read in pages, and changed by version, on every database."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hardy.adapters.sql import Keyset
from hardy.core import Aborted, AlreadyExists, InvalidArgument

START = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Thing:
    id: int
    text_: str
    uuid_: UUID
    moment_: datetime
    json_: list[int]
    bool_: bool


COLUMNS = "id, text_, uuid_, moment_, json_, bool_"


def thing(number):
    return Thing(
        number, f"t-{number}", UUID(int=number), START + timedelta(hours=number // 3), [number], number % 2 == 0
    )


async def test_many_rows_are_inserted_at_once_and_come_back_as_they_were(database):
    things = [thing(number) for number in range(2500)]
    async with database.transaction() as session:
        assert await session.insert_many("things", things) == 2500
        assert await session.insert_many("things", []) == 0
    async with database.transaction() as session:
        assert await session.all(Thing, f"select {COLUMNS} from things order by id") == things


async def test_dicts_are_rows_too(database):
    async with database.transaction() as session:
        assert await session.insert_many("orders", [{"id": 1, "sku": "a"}, {"sku": "b", "id": 2}]) == 2
        assert await session.all(str, "select sku from orders order by id") == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "rows", "problem"),
    [
        ("orders", [{"id": 1}, {"sku": "x"}], "the same columns: id"),
        ("orders", [thing(1), {"id": 1}], "every row has to be a Thing"),
        ("orders", [5], "and not a int"),
        ("orders; drop table orders", [{"id": 1}], "is no name"),
        ("orders", [{"id) values (1); --": 1}], "is no name"),
    ],
    ids=["columns", "kinds", "number", "table", "column"],
)
async def test_rows_that_do_not_go_together_are_refused(database, table, rows, problem):
    async with database.transaction() as session:
        with pytest.raises(TypeError, match=problem):
            await session.insert_many(table, rows)


async def test_of_rows_that_are_refused_none_is_there(database, count):
    async with database.transaction() as session:
        await session.insert_many("orders", [{"id": 1, "sku": "tea"}])
        with pytest.raises(AlreadyExists) as caught:
            async with session.transaction():
                await session.insert_many("orders", [{"id": number, "sku": "tea"} for number in range(2, 1500)])
        assert caught.value.details == {"field": "sku"}
    assert await count() == 1


async def test_a_value_that_cannot_be_inserted_harms_nothing_outside_of_its_part(database, count):
    async with database.transaction() as session:
        await session.insert_many("orders", [{"id": 1, "sku": "tea"}])
        with pytest.raises(InvalidArgument, match="too large"):
            async with session.transaction():
                await session.insert_many("orders", [{"id": 2, "sku": "a"}, {"id": 2**70, "sku": "b"}])
    assert await count() == 1


async def test_inserting_many_can_be_cancelled(database, settled, count):
    rows = [{"id": number, "sku": f"sku-{number}"} for number in range(30_000)]

    async def insert():
        async with database.transaction() as session:
            await session.insert_many("orders", rows)

    for pause in (0, 0.01, 0.05):
        task = asyncio.create_task(insert())
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.wait([task])
        await settled(database)
        assert await count() in {0, len(rows)}
        async with database.transaction() as session:
            await session.execute("delete from orders")


@pytest.mark.parametrize(
    "keys",
    [
        ("id",),
        ("id desc",),
        ("moment_", "id"),
        ("moment_ desc", "id desc"),
        ("moment_ desc", "id"),
        ("bool_", "moment_ DESC", "uuid_"),
    ],
    ids=" ".join,
)
async def test_pages_show_every_row_once_in_order(database, keys):
    things = [thing(number) for number in range(20)]
    async with database.transaction() as session:
        await session.insert_many("things", things)
        sql = f"select {COLUMNS} from things where id >= :least;"
        order = ", ".join(keys)
        expected = await session.all(Thing, f"select {COLUMNS} from things where id >= 2 order by {order}")
        shown, after, pages = [], None, 0
        while True:
            page = await session.page(Thing, sql, Keyset(*keys, limit=4, after=after), least=2)
            shown.extend(page.items)
            pages += 1
            after = page.next
            if after is None:
                break
        assert shown == expected
        assert pages == 5


async def test_a_cursor_of_something_else_is_the_callers_fault(database):
    async with database.transaction() as session:
        await session.insert_many("things", [thing(number) for number in range(3)])
        sql = f"select {COLUMNS} from things"
        other = (await session.page(Thing, sql, Keyset("id desc", limit=1))).next
        for cursor in (other, "", "x", "AAAA", "WzFd", "é"):
            with pytest.raises(InvalidArgument) as caught:
                await session.page(Thing, sql, Keyset("id", after=cursor))
            assert caught.value.details == {"field": "after"}
        with pytest.raises(TypeError, match="has no field nothing"):
            await session.page(Thing, sql, Keyset("nothing", limit=1))


@pytest.mark.parametrize("keys", [(), ("id; drop table x",), ("id down",)])
def test_a_key_is_a_column(keys):
    with pytest.raises(ValueError, match="keys are columns"):
        Keyset(*keys)


@pytest.mark.parametrize("clients", [8])
async def test_no_update_is_lost_with_a_version(database, clients):
    async with database.transaction() as session:
        await session.insert_many("orders", [{"id": 1, "sku": "tea", "quantity": 1, "version": 1}])

    async def increment(_):
        async def work(session):
            version = await session.first(int, "select version from orders where id = 1")
            quantity = await session.first(int, "select quantity from orders where id = 1")
            await asyncio.sleep(0)
            await session.change(
                "update orders set quantity = :quantity, version = version + 1 where id = 1 and version = :version",
                quantity=quantity + 1,
                version=version,
            )

        await database.retrying(work, attempts=1000)

    await asyncio.gather(*(increment(number) for number in range(clients)))
    async with database.transaction() as session:
        assert await session.first(int, "select quantity from orders") == 1 + clients
        with pytest.raises(Aborted, match="changed meanwhile"):
            await session.change("update orders set version = 5 where id = 1 and version = 1")
