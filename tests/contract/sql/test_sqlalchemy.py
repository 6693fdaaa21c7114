"""SQLAlchemy speaks on the connection and in the transaction of the session, on every database."""

import asyncio
from dataclasses import dataclass

import pytest
from sqlalchemy import JSON, ForeignKey, String, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hardy.adapters.sql import Database, DatabaseSettings, RepeatedStatement
from hardy.core import Aborted, AlreadyExists, Deadline, DeadlineExceeded, Notices


class Base(DeclarativeBase):
    pass


class Buyer(Base):
    __tablename__ = "buyers"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    buyer: Mapped[int | None] = mapped_column(ForeignKey("buyers.id"))


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    json_: Mapped[list[int]] = mapped_column(JSON)


@dataclass
class Row:
    id: int
    sku: str


async def test_objects_and_typed_statements_share_one_transaction(database, count):
    async with database.transaction() as session:
        await session.execute("insert into orders (id, sku) values (1, 'tea')")
        orm = await session.orm()
        assert (await orm.get(Order, 1)).sku == "tea"
        orm.add(Order(id=2, sku="milk"))
        await orm.flush()
        assert await session.all(Row, "select id, sku from orders order by id") == [Row(1, "tea"), Row(2, "milk")]
        orm.add(Order(id=3, sku="at the end"))
        assert await session.orm() is orm
    assert await count() == 3
    assert database.statistics().commits >= 1


async def test_nothing_of_either_is_kept_when_the_block_raises(database, count):
    with pytest.raises(ValueError, match="x"):
        async with database.transaction() as session:
            (await session.orm()).add(Order(id=2, sku="milk"))
            await (await session.orm()).flush()
            await session.execute("insert into orders (id, sku) values (1, 'tea')")
            raise ValueError("x")
    assert await count() == 0


async def test_core_is_there_without_objects(database):
    for number in range(3):  # on the same connection again
        async with database.transaction() as session:
            core = await session.connection()
            await core.execute(
                text("insert into orders (id, sku) values (:id, :sku)"), {"id": number, "sku": str(number)}
            )
            assert (await core.execute(select(func.count()).select_from(Order))).scalar() == number + 1


async def test_a_commit_of_theirs_does_nothing_and_a_rollback_loses_everything(database, count):
    with pytest.raises(ValueError, match="x"):
        async with database.transaction() as session:
            orm = await session.orm()
            orm.add(Order(id=1, sku="tea"))
            await orm.commit()
            raise ValueError("x")
    assert await count() == 0
    with pytest.raises(Aborted, match="rolled back"):
        async with database.transaction() as session:
            await session.execute("insert into orders (id, sku) values (1, 'tea')")
            await (await session.orm()).rollback()
    assert await count() == 0


async def test_their_errors_are_ours(database, count):
    with pytest.raises(AlreadyExists) as caught:
        async with database.transaction() as session:
            orm = await session.orm()
            orm.add_all([Order(id=1, sku="tea"), Order(id=2, sku="tea")])
    assert caught.value.details == {"field": "sku"}
    assert await count() == 0


async def test_a_part_that_fails_takes_their_changes_along(database):
    async with database.transaction() as session:
        orm = await session.orm()
        order = Order(id=1, sku="tea")
        orm.add(order)
        with pytest.raises(ValueError, match="x"):
            async with session.transaction():
                order.quantity = 5
                await orm.flush()
                raise ValueError("x")
        assert await session.first(int, "select quantity from orders") == 1
        await orm.refresh(order)
        assert order.quantity == 1
        async with session.transaction():
            order.quantity = 7
        assert await session.first(int, "select quantity from orders") == 7
        with pytest.raises(AlreadyExists):
            async with orm.begin_nested():
                orm.add(Order(id=2, sku="tea"))
                await orm.flush()
        assert await session.first(int, "select count(*) from orders") == 1


async def test_json_is_the_same_to_both(database):
    for _ in range(2):
        async with database.transaction() as session:
            await session.execute("delete from things")
            await session.execute("insert into things (id, json_) values (1, :value)", value=[1, 2])
            assert (await (await session.orm()).get(Thing, 1)).json_ == [1, 2]
            (await session.orm()).add(Thing(id=2, json_=[3]))
        async with database.transaction() as session:
            assert await session.all(list[int], "select json_ from things order by id") == [[1, 2], [3]]


async def test_their_statements_are_watched_too(url):
    seen = []
    notices = Notices()
    notices.listen(seen.append, RepeatedStatement)
    database = Database(DatabaseSettings(url=url, repeats=3, migrate="ignore"))
    database.wire(notices=notices)
    async with database, database.transaction() as session:
        core = await session.connection()
        for _ in range(10):
            await core.execute(text("select 1"))
        assert database.statistics().statements >= 10
    assert [each.statement for each in seen] == ["select 1"]


async def test_a_session_of_theirs_ends_with_the_transaction(database):
    async with database.transaction() as session:
        core = await session.connection()
    with pytest.raises(Exception, match="closed"):
        await core.execute(text("select 1"))


async def test_their_statements_can_be_cancelled(database, settled, endless, count):
    async def work():
        async with database.transaction() as session:
            (await session.orm()).add(Order(id=1, sku="tea"))
            await (await session.orm()).flush()
            started.set()
            await (await session.connection()).execute(text(endless))

    for _ in range(3):
        started = asyncio.Event()
        task = asyncio.create_task(work())
        await started.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await settled(database)
        assert await count() == 0


async def test_their_statements_end_at_the_deadline(database, call_with, endless, count):
    async def handler(call):
        async with database.transaction() as session:
            (await session.orm()).add(Order(id=1, sku="tea"))
            await (await session.connection()).execute(text(endless))

    call = call_with()
    call.deadline = Deadline.after(0.2)
    with pytest.raises(DeadlineExceeded):
        await call.run(handler)
    assert await count() == 0


async def test_transactions_of_theirs_run_side_by_side(database, count):
    async def add(number):
        async with database.transaction() as session:
            (await session.orm()).add(Order(id=number, sku=str(number)))

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await count() == 20
