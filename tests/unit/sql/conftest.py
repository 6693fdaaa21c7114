"""A database in a file, with a table to work on."""

import pytest

from hardy.adapters.sql import Database, DatabaseSettings

SCHEMA = """
create table if not exists orders (
    id integer primary key,
    sku text not null unique,
    quantity integer not null check (quantity > 0),
    buyer integer references buyers (id)
);
create table if not exists buyers (id integer primary key, region text, name text, unique (region, name));
"""


@pytest.fixture
def settings(tmp_path):
    return DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db", acquire_timeout=2.0, durable=False)


@pytest.fixture
async def database(settings):
    async with Database(settings, schema=SCHEMA) as database:
        yield database
        numbers = database.statistics()
        assert numbers.idle == numbers.connections, "a connection was not given back"
        assert numbers.waiting == 0


@pytest.fixture
def count(database):
    async def count():
        async with database.transaction() as session:
            return await session.first(int, "select count(*) from orders")

    return count


INSERT = "insert into orders (sku, quantity) values (:sku, :quantity)"


@pytest.fixture
def insert():
    async def insert(session, sku="tea", quantity=1):
        return await session.execute(INSERT, sku=sku, quantity=quantity)

    return insert
