"""Every database, one after the other, with the same tables."""

import asyncio

import asyncpg
import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import Call, Deadline, Operation

SCHEMA = """
create table buyers (id integer primary key, region text, name text, unique (region, name));
create table orders (
    id integer primary key,
    sku text not null unique,
    quantity integer not null default 1 constraint positive check (quantity > 0),
    note varchar(5),
    buyer integer references buyers (id),
    version integer not null default 1
);
"""
TYPES = {
    "sqlite": """
create table things (
    id integer primary key, integer_ integer, float_ real, text_ text, bytes_ blob, bool_ integer, uuid_ text,
    decimal_ text, moment_ text, naive_ text, date_ text, time_ text, length_ real, json_ text
);""",
    "postgresql": """
create table things (
    id integer primary key, integer_ bigint, float_ double precision, text_ text, bytes_ bytea, bool_ boolean, uuid_ uuid,
    decimal_ numeric, moment_ timestamptz, naive_ timestamp, date_ date, time_ time, length_ interval, json_ jsonb
);""",
}
# A statement that runs until somebody stops it, on either.
ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 2000000000) select count(*) from n"
INSERT = "insert into orders (sku, quantity) values (:sku, :quantity)"


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "postgresql"])
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def contract_database(postgres_server):
    """One database for all tests of this folder: making one for each would take longer than the tests."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def url(kind, request, tmp_path):
    if kind == "sqlite-memory":
        return "sqlite:///:memory:"
    if kind == "sqlite-file":
        return f"sqlite:///{tmp_path}/contract.db"
    url = request.getfixturevalue("contract_database")
    raw = await asyncpg.connect(url)
    await raw.execute("drop schema public cascade; create schema public")
    await raw.close()
    return url


@pytest.fixture
def settings(url):
    return DatabaseSettings(url=url, acquire_timeout=5.0, durable=False, connections=3, migrate="ignore")


@pytest.fixture
async def database(settings, settled):
    schema = SCHEMA + TYPES["sqlite" if settings.url.startswith("sqlite") else "postgresql"]
    async with Database(settings, schema=schema) as database:
        yield database
        await settled(database)


@pytest.fixture
def until():
    """Wait for a condition."""

    async def until(condition, otherwise="it did not come true"):
        try:
            async with asyncio.timeout(20):
                while not condition():
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(otherwise) from None

    return until


@pytest.fixture
def settled(until):
    """Wait until every connection is back."""

    async def settled(database):
        def back():
            numbers = database.statistics()
            return numbers.idle == numbers.connections and numbers.waiting == 0

        await until(back, "a connection was not given back")

    return settled


@pytest.fixture
def insert():
    async def insert(session, sku="tea", quantity=1):
        return await session.execute(INSERT, sku=sku, quantity=quantity)

    return insert


@pytest.fixture
def count(database):
    async def count():
        async with database.transaction() as session:
            return await session.first(int, "select count(*) from orders")

    return count


@pytest.fixture
def call_with():
    async def place_order() -> None: ...

    def call_with(seconds=None):
        call = Call(Operation.of(place_order), "direct")
        if seconds is not None:
            call.deadline = Deadline.after(seconds)
        return call

    return call_with


@pytest.fixture
def endless():
    """A statement that runs until somebody stops it."""
    return ENDLESS
