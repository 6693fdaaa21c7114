"""What a keeper of orders promises, shown on every one there is."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from hardy import AlreadyExists
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.outbox import Outbox
from hardy.cache import Keyspace, MemoryCache
from orders.adapters import CachedLookup, MemoryOrders, MemorySales, SqlFeed, SqlSales, SqlUnitOfWork
from orders.app import HERE
from orders.domain import Order, OrderChanged, Sold, Status

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order(*, buyer: str = "alice", at: datetime = NOON) -> Order:
    return Order(id=uuid4(), sku="tea", quantity=2, buyer=buyer, status=Status.PLACED, placed_at=at)


class Suite:
    """The promises of the ports; a subclass has the fixtures ``work``, ``feed``, ``lookup`` and ``sales``."""

    async def test_an_order_comes_back_as_it_was_added(self, work):
        added = order(at=NOON + timedelta(microseconds=1))
        async with work.begin() as (orders, _):
            await orders.add(added)

        async with work.begin() as (orders, _):
            assert await orders.get(added.id) == added

    async def test_an_unknown_order_is_none(self, work):
        async with work.begin() as (orders, _):
            assert await orders.get(uuid4()) is None

    async def test_an_order_is_added_once(self, work):
        added = order()
        async with work.begin() as (orders, _):
            await orders.add(added)

        with pytest.raises(AlreadyExists):
            async with work.begin() as (orders, _):
                await orders.add(added)

    async def test_a_page_holds_one_buyers_orders_in_the_order_of_their_ids(self, work):
        mine = sorted([order() for _ in range(5)], key=lambda each: each.id)
        async with work.begin() as (orders, _):
            for each in [*reversed(mine), order(buyer="bob")]:
                await orders.add(each)

            assert await orders.page(buyer="alice", after=None, limit=2) == mine[:2]
            assert await orders.page(buyer="alice", after=mine[1].id, limit=100) == mine[2:]
            assert await orders.page(buyer="alice", after=mine[4].id, limit=100) == []
            assert await orders.page(buyer="nobody", after=None, limit=100) == []

    async def test_a_change_is_kept(self, work):
        placed = order()
        async with work.begin() as (orders, _):
            await orders.add(placed)
            await orders.change(placed.ship(), at=NOON)

        async with work.begin() as (orders, _):
            assert await orders.get(placed.id) == placed.ship()

    async def test_of_two_changes_of_one_version_the_second_is_refused(self, work):
        placed = order()
        async with work.begin() as (orders, _):
            await orders.add(placed)
            await orders.change(placed.ship(), at=NOON)

        with pytest.raises(OrderChanged):
            async with work.begin() as (orders, _):
                await orders.change(placed.cancel(), at=NOON)
        async with work.begin() as (orders, _):
            assert await orders.get(placed.id) == placed.ship()

    async def test_a_failed_unit_of_work_leaves_nothing(self, work, feed):
        events, added = await feed.events(), order()

        with pytest.raises(RuntimeError):
            async with work.begin() as (orders, _):
                await orders.add(added)
                raise RuntimeError
        async with work.begin() as (orders, _):
            assert await orders.get(added.id) is None
            await orders.add(kept := order())

        assert (await told(events, 1))[0][0] == kept.id

    async def test_what_happens_is_told_in_order_to_every_listener(self, work, feed):
        listeners = [await feed.events() for _ in range(3)]
        placed = order()
        async with work.begin() as (orders, _):
            await orders.add(placed)
            await orders.change(placed.ship(), at=NOON)

        heard = await asyncio.gather(*[told(each, 2) for each in listeners])

        assert heard == [[(placed.id, Status.PLACED, 1), (placed.id, Status.SHIPPED, 2)]] * 3

    async def test_a_listener_hears_nothing_from_before(self, work, feed):
        async with work.begin() as (orders, _):
            await orders.add(order())
        events = await feed.events()
        async with work.begin() as (orders, _):
            await orders.add(after := order())

        assert (await told(events, 1))[0][0] == after.id

    async def test_a_listener_may_begin_in_the_past(self, work, feed):
        placed = [order(at=NOON + timedelta(minutes=minute)) for minute in range(4)]
        async with work.begin() as (orders, _):
            for each in placed:
                await orders.add(each)

        heard = await told(await feed.events(since=NOON + timedelta(minutes=2)), 2)

        assert [each[0] for each in heard] == [each.id for each in placed[2:]]

    async def test_a_long_past_is_told_whole(self, work, feed):
        placed = [order() for _ in range(250)]
        async with work.begin() as (orders, _):
            for each in placed:
                await orders.add(each)

        heard = await told(await feed.events(since=NOON), 250)

        assert [each[0] for each in heard] == [each.id for each in placed]

    async def test_who_looks_an_order_up_finds_it_as_it_was_kept_last(self, work, lookup):
        placed = order()
        assert await lookup.find(placed.id) is None
        async with work.begin() as (orders, _):
            await orders.add(placed)
        assert await lookup.find(placed.id) == placed
        async with work.begin() as (orders, _):
            await orders.change(placed.pay(), at=NOON)
        assert await lookup.find(placed.id) == placed.pay()

    async def test_what_nobody_has_paid_in_time_is_found_oldest_first(self, work):
        late, later = order(at=NOON + timedelta(minutes=1)), order(at=NOON)
        paid, young = order(at=NOON), order(at=NOON + timedelta(hours=1))
        async with work.begin() as (orders, _):
            for each in (late, later, paid, young):
                await orders.add(each)
            await orders.change(paid.pay(), at=NOON)

            assert await orders.unpaid(before=young.placed_at, limit=9) == [later, late]
            assert await orders.unpaid(before=young.placed_at, limit=1) == [later]

    async def test_what_sells_most_comes_first(self, sales):
        for sku, quantity in (("tea", 2), ("jam", 3), ("tea", 2), ("bread", 1)):
            await sales.add(sku, quantity)
        assert await sales.best(2) == [Sold(sku="tea", quantity=4), Sold(sku="jam", quantity=3)]


class TestMemoryOrders(Suite):
    @pytest.fixture
    def work(self):
        return MemoryOrders()

    @pytest.fixture
    def feed(self, work):
        return work

    @pytest.fixture
    def lookup(self, work):
        return work

    @pytest.fixture
    def sales(self):
        return MemorySales()


class SqlSuite(Suite):
    @pytest.fixture
    async def database(self, settings):
        async with Database(settings, migrations=HERE / "migrations") as database:
            yield database

    @pytest.fixture
    async def lookup(self, database):
        async with MemoryCache() as cache, Keyspace(cache, "orders", Order, ttl=60) as kept:
            yield CachedLookup(database, kept)

    @pytest.fixture
    def work(self, database, lookup):
        return SqlUnitOfWork(database, Outbox({}), lookup)

    @pytest.fixture
    def feed(self, database):
        return SqlFeed(database, pause=0.005)

    @pytest.fixture
    async def sales(self, database):
        async with database.transaction() as session:
            yield SqlSales(session)


class TestOrdersInSqlite(SqlSuite):
    @pytest.fixture
    def settings(self, tmp_path):
        return DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db", durable=False, migrate="apply")


class TestOrdersInPostgresql(SqlSuite):
    @pytest.fixture
    def settings(self, postgres_url):
        return DatabaseSettings(url=postgres_url, migrate="apply")


async def told(events, count: int) -> list[tuple[UUID, Status, int]]:
    """The next *count* events."""
    heard = []
    async with asyncio.timeout(10), aclosing(events):
        async for event in events:
            heard.append((event.order_id, event.status, event.version))
            if len(heard) == count:
                return heard
    raise AssertionError("the feed ended")
