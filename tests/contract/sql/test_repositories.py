"""The suite that users apply to their repositories, applied to one of each kind."""

from dataclasses import dataclass

import pytest

from hardy.adapters.sql import Database, MemoryTable, Session
from hardy.core import Aborted, AlreadyExists
from hardy.testing import RepositorySuite


@dataclass(frozen=True, slots=True)
class Order:
    id: int
    sku: str
    version: int = 1


class SqlOrders:
    def __init__(self, session: Session) -> None:
        self.session = session

    async def add(self, order):
        sql = "insert into orders (id, sku, version) values (:id, :sku, :version)"
        await self.session.execute(sql, id=order.id, sku=order.sku, version=order.version)

    async def get(self, order_id):
        return await self.session.first(Order, "select id, sku, version from orders where id = :id", id=order_id)


class MemoryOrders:
    def __init__(self, rows) -> None:
        self.rows = rows

    async def add(self, order):
        self.rows.add(order)

    async def get(self, order_id):
        return self.rows.get(order_id)


class Orders(RepositorySuite):
    def make(self, number):
        return Order(number, f"sku-{number}")

    async def add(self, repository, item):
        await repository.add(item)

    async def get(self, repository, item):
        return await repository.get(item.id)


class Opened:
    def __init__(self, block, make):
        self.block, self.make = block, make

    async def __aenter__(self):
        return self.make(await self.block.__aenter__())

    async def __aexit__(self, *exc):
        await self.block.__aexit__(*exc)


class TestSqlOrders(Orders):
    @pytest.fixture(autouse=True)
    def on(self, database: Database):
        self.database = database

    def transaction(self):
        return Opened(self.database.transaction(), SqlOrders)


class TestMemoryOrders(Orders):
    @pytest.fixture(autouse=True)
    def on(self):
        self.table = MemoryTable(key="id", unique=["sku"])

    def transaction(self):
        return Opened(self.table.transaction(), MemoryOrders)

    async def test_a_unique_value_is_taken_once(self):
        async with self.table.transaction() as rows:
            rows.add(Order(1, "tea"))
            with pytest.raises(AlreadyExists) as caught:
                rows.add(Order(2, "tea"))
            assert caught.value.details == {"field": "sku"}
        async with self.table.transaction() as rows:
            with pytest.raises(AlreadyExists):
                rows.put(Order(3, "tea"))
            rows.put(Order(1, "milk"))
            rows.add(Order(3, "tea"))
            assert [each.sku for each in rows] == ["milk", "tea"]

    async def test_of_two_that_took_the_same_value_the_first_to_commit_wins(self):
        with pytest.raises(Aborted):
            async with self.table.transaction() as late:
                late.add(Order(2, "tea"))
                async with self.table.transaction() as early:
                    early.add(Order(1, "tea"))
        async with self.table.transaction() as rows:
            assert list(rows) == [Order(1, "tea")]

    async def test_what_does_not_touch_the_same_goes_together(self):
        async with self.table.transaction() as one:
            one.add(Order(1, "tea"))
            async with self.table.transaction() as two:
                two.add(Order(2, "milk"))
            assert len(one) == 1
        async with self.table.transaction() as rows:
            assert len(rows) == 2
            assert rows.where(lambda order: order.sku == "milk") == [Order(2, "milk")]

    async def test_a_version_lets_no_update_be_lost(self):
        async with self.table.transaction() as rows:
            rows.add(Order(1, "tea"))
            rows.change(Order(1, "tea", version=2))
            with pytest.raises(Aborted, match="changed meanwhile"):
                rows.change(Order(1, "tea", version=2))
            with pytest.raises(Aborted):
                rows.change(Order(9, "other", version=2))

    async def test_what_was_removed_is_gone(self):
        async with self.table.transaction() as rows:
            rows.add(Order(1, "tea"))
        async with self.table.transaction() as rows:
            assert rows.remove(1)
            assert not rows.remove(1)
            assert rows.get(1) is None
        async with self.table.transaction() as rows:
            assert len(rows) == 0
