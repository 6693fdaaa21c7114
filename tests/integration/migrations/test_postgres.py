"""Migrating a real PostgreSQL: all or nothing, never in the way of others, and again after whatever went wrong."""

import asyncio

import asyncpg
import pytest

from hardy.adapters.sql import Database, DatabaseSettings, SchemaStep
from hardy.adapters.sql.migrations import Migrations
from hardy.adapters.sql.migrations._migrator import Migrator
from hardy.adapters.sql.migrations._postgres import LOCK, PostgresDriver
from hardy.core import BuildFailed

ORDERS = "create table orders (id bigint primary key, sku text not null);\n-- down\ndrop table orders;"
INDEX = """
    create index concurrently if not exists orders_sku on orders (sku);
    -- down
    drop index concurrently if exists orders_sku;
"""
NOTE = """
    import sqlalchemy as sa
    from alembic import op


    def upgrade():
        op.add_column("orders", sa.Column("note", sa.Text(), nullable=True))
        op.create_table("items", sa.Column("id", sa.BigInteger(), primary_key=True))


    def downgrade():
        op.drop_table("items")
        op.drop_column("orders", "note")
"""
SCHEMA = """
    select table_name, column_name, data_type, is_nullable, column_default, null
    from information_schema.columns where table_schema = 'public' and table_name <> 'hardy_migrations'
    union all
    select tablename, indexname, indexdef, null, null, null from pg_indexes
    where schemaname = 'public' and tablename <> 'hardy_migrations'
    order by 1, 2
"""


@pytest.fixture
async def connection(postgres_url):
    """A connection beside those of the migrations."""
    opened = await asyncpg.connect(postgres_url)
    yield opened
    await opened.close()


async def refused(work):
    with pytest.raises(BuildFailed) as failed:
        await work
    return failed.value.diagnostics[0]


async def until(condition):
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_up_down_up_ends_where_up_did(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_index.sql", INDEX)
    folder.write("0003_note.py", NOTE)
    async with folder.migrations.at(postgres_url) as migrator:
        assert len(await migrator.apply()) == 3
        up = await connection.fetch(SCHEMA)
        assert [each.name for each in await migrator.rollback(3)] == ["0003_note", "0002_index", "0001_orders"]
        assert await connection.fetch(SCHEMA) == []
        assert len(await migrator.apply()) == 3
        assert await connection.fetch(SCHEMA) == up
        assert (await migrator.verify()).is_current


async def test_nothing_is_kept_of_a_migration_that_fails(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    folder.write(
        "0002_broken.sql", "insert into orders values (1, 'tea');\n\ninsert into orders\n  values (2, nothing);"
    )
    async with folder.migrations.at(postgres_url) as migrator:
        fault = await refused(migrator.apply())
    assert (fault.code, fault.place.line) == ("H0505", 4)
    assert fault.title == '`0002_broken` failed: column "nothing" does not exist'
    assert await connection.fetchval("select count(*) from orders") == 0


async def test_nothing_is_kept_of_a_revision_that_raises(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_note.py", NOTE.replace('"items"', '"orders"'))
    async with folder.migrations.at(postgres_url) as migrator:
        fault = await refused(migrator.apply())
    assert fault.title == '`0002_note` failed: DuplicateTableError: relation "orders" already exists'
    assert fault.place.line == 7
    assert len(await connection.fetch(SCHEMA)) == 3  # two columns and the key's index


async def test_a_revision_that_needs_no_transaction_is_told_what_to_do(folder, postgres_url):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_vacuum.sql", "vacuum orders;")
    async with folder.migrations.at(postgres_url) as migrator:
        fault = await refused(migrator.apply())
    assert fault.helps[0] == "let it run outside of a transaction: -- no transaction"


async def test_a_migration_that_waits_for_its_lock_lets_others_pass(folder, postgres_url, connection):
    """The table is held by a long transaction. Queries that queue behind the migration are answered while it is."""
    folder.write("0001_orders.sql", ORDERS)
    async with folder.migrations.at(postgres_url) as migrator:
        await migrator.apply()
    folder.write("0002_note.sql", "alter table orders add column note text;")
    holder = await asyncpg.connect(postgres_url)
    held = holder.transaction()
    await held.start()
    await holder.execute("select count(*) from orders")

    async def migration_waits():
        query = "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'"
        return await connection.fetchval(query)

    driver = PostgresDriver(postgres_url, lock_timeout=0.3)
    async with Migrator(driver, folder.migrations.history("postgresql")) as migrator:
        applying = asyncio.create_task(migrator.apply())
        for _ in range(2):
            await until(migration_waits)
            async with asyncio.timeout(20):  # without a lock timeout it would wait for as long as the holder holds
                await connection.fetchval("select count(*) from orders")
        assert not applying.done()
        await held.rollback()
        assert [each.name for each in await applying] == ["0002_note"]
    await holder.close()


@pytest.mark.slow
async def test_no_query_is_blocked_for_two_seconds(folder, postgres_url, connection):
    """Readers under load, each query refused by the server after two seconds, while long transactions hold the table."""
    folder.write("0001_orders.sql", ORDERS)
    async with folder.migrations.at(postgres_url) as migrator:
        await migrator.apply()
    folder.write("0002_note.sql", "alter table orders add column note text; alter table orders add column more text;")
    over = asyncio.Event()

    async def read():
        reader = await asyncpg.connect(postgres_url, server_settings={"statement_timeout": "2s"})
        while not over.is_set():
            await reader.fetchval("select count(*) from orders")
            await asyncio.sleep(0.01)
        await reader.close()

    readers = [asyncio.create_task(read()) for _ in range(20)]
    async with folder.migrations.at(postgres_url) as migrator:
        async with connection.transaction():
            await connection.execute("select count(*) from orders")
            applying = asyncio.create_task(migrator.apply())
            await connection.execute("select pg_sleep(12)")
        assert len(await applying) == 1
    over.set()
    await asyncio.gather(*readers)


async def test_a_revision_in_python_lets_others_pass_too(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_note.py", NOTE)
    history = folder.migrations.history("postgresql")
    driver = PostgresDriver(postgres_url, lock_timeout=0.1, patience=0.2)
    async with Migrator(driver, history) as migrator:
        await migrator.apply(to="1")
        async with connection.transaction():
            await connection.execute("select count(*) from orders")
            fault = await refused(migrator.apply())
            assert (fault.code, fault.place.line) == ("H0508", 6)
            assert "idle in transaction) has a transaction open for" in fault.body[0]
        assert len(await migrator.apply()) == 1


async def test_the_wait_for_another_process_has_an_end_and_names_it(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    async with folder.migrations.at(postgres_url, patience=0.1) as migrator:
        fault = await refused(migrator.apply())
    assert fault.code == "H0508"
    assert fault.body[0].startswith(f"backend {connection.get_server_pid()} of ")


async def test_what_an_interrupted_index_has_left_is_made_good(folder, postgres_url, connection):
    folder.write("0001_orders.sql", "create table orders (id bigint primary key, sku text not null);")
    async with folder.migrations.at(postgres_url) as migrator:
        await migrator.apply()
    await connection.execute("insert into orders values (1, 'tea'), (2, 'tea')")
    folder.write("0002_index.sql", "create unique index concurrently if not exists orders_sku on orders (sku);")
    async with folder.migrations.at(postgres_url) as migrator:
        assert (await refused(migrator.apply())).code == "H0505"
        invalid = "select count(*) from pg_index where not indisvalid"
        assert await connection.fetchval(invalid) == 1
        await connection.execute("delete from orders where id = 2")
        assert len(await migrator.apply()) == 1
    assert await connection.fetchval(invalid) == 0
    assert await connection.fetchval("select indisvalid from pg_index where indexrelid = 'orders_sku'::regclass")


async def test_processes_that_wait_are_not_in_the_way_of_an_index(folder, postgres_url, connection):
    """`create index concurrently` waits for every snapshot; who waits for the lock must hold none."""
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_index.sql", INDEX)

    async def migrate():
        async with folder.migrations.at(postgres_url) as migrator:
            return len(await migrator.apply())

    async with asyncio.timeout(40):
        assert sorted(await asyncio.gather(*[migrate() for _ in range(5)])) == [0, 0, 0, 0, 2]


async def test_reset_begins_anew(folder, postgres_url, connection):
    folder.write("0001_orders.sql", ORDERS)
    async with folder.migrations.at(postgres_url) as migrator:
        await migrator.apply()
        await connection.execute("insert into orders values (1, 'tea'); create view v as select * from orders")
        assert len(await migrator.reset()) == 1
    assert await connection.fetchval("select count(*) from orders") == 0


async def test_a_database_verifies_and_applies_when_it_is_opened(folder, postgres_url):
    step = SchemaStep(
        name="hardy_things_0001", sqlite="", postgresql="create table hardy_things (id bigint primary key)"
    )
    folder.write("0001_orders.sql", ORDERS)

    def database(policy):
        made = Database(DatabaseSettings(url=postgres_url, migrate=policy), migrations=folder.path)
        made.migrations.require([step])
        return made

    assert (await refused(database("verify").__aenter__())).code == "H0501"
    async with database("apply") as opened, opened.transaction() as session:
        assert await session.first(int, "select count(*) from orders, hardy_things") == 0
    async with database("verify"):
        pass


async def test_a_server_that_is_not_there_is_told_as_such(folder):
    folder.write("0001_orders.sql", ORDERS)
    async with folder.migrations.at("postgresql://someone:secret@127.0.0.1:1/orders") as migrator:
        with pytest.raises(BuildFailed) as failed:
            await migrator.apply()
    assert failed.value.exit_code == 5
    assert "secret" not in str(failed.value)


async def test_autogenerate_leads_from_the_database_to_the_models(folder, postgres_url):
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

    metadata = sa.MetaData()
    columns = [sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("data", postgresql.JSONB, index=True)]
    sa.Table("orders", metadata, *columns)
    migrations = Migrations(folder.path, metadata=metadata)
    async with migrations.at(postgres_url) as migrator:
        migrations.write("create orders", python=True, bodies=await migrator.draft(metadata))
    async with migrations.at(postgres_url) as migrator:
        assert [each.name for each in await migrator.apply()] == ["0001_create_orders"]
        assert await migrator.draft(metadata) == ("pass", "pass")
        assert len(await migrator.rollback()) == 1
