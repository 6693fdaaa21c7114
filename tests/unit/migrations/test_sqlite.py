"""Migrating a file of SQLite: one transaction each, forward, back, and forward again."""

import asyncio
import sqlite3

import pytest

from hardy.adapters.sql import Database, DatabaseSettings, SchemaStep
from hardy.adapters.sql.migrations import MigrationApplied, Migrations, SchemaAhead
from hardy.core import BuildFailed, Notices

STEP = SchemaStep(
    name="hardy_things_0001",
    sqlite="create table hardy_things (id integer primary key)",
    postgresql="create table hardy_things (id bigint primary key)",
)
ORDERS = "create table orders (id integer primary key, sku text not null);\n-- down\ndrop table orders;"
NOTE = "alter table orders add column note text;\n-- down\nalter table orders drop column note;"
REBUILD = """
    import sqlalchemy as sa
    from alembic import op


    def upgrade():
        with op.batch_alter_table("orders") as table:
            table.alter_column("note", nullable=False, server_default="", existing_type=sa.Text())


    def downgrade():
        with op.batch_alter_table("orders") as table:
            table.alter_column("note", nullable=True, server_default=None, existing_type=sa.Text())
"""


def path_of(url):
    return url.removeprefix("sqlite:///")


def schema_of(url):
    with sqlite3.connect(path_of(url)) as raw:
        rows = raw.execute(
            "select name, sql from sqlite_master where name <> 'hardy_migrations' order by name"
        ).fetchall()
    raw.close()
    return rows


def query(url, sql):
    raw = sqlite3.connect(path_of(url))
    try:
        return raw.execute(sql).fetchall()
    finally:
        raw.close()


async def apply(migrations, url, **options):
    async with migrations.at(url) as migrator:
        return [each.name for each in await migrator.apply(**options)]


async def refused(work):
    with pytest.raises(BuildFailed) as failed:
        await work
    assert failed.value.exit_code == 6
    return failed.value.diagnostics


async def test_steps_of_hardy_come_first_and_each_is_applied_once(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    migrations = folder.migrations
    migrations.require([STEP, STEP])
    assert await apply(migrations, url) == ["hardy_things_0001", "0001_orders"]
    assert await apply(migrations, url) == []


async def test_up_down_up_ends_where_up_did(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_note.sql", NOTE)
    folder.write("0003_rebuild.py", REBUILD)
    async with folder.migrations.at(url) as migrator:
        await migrator.apply()
        up = schema_of(url)
        undone = await migrator.rollback(99)
        assert [each.name for each in undone] == ["0003_rebuild", "0002_note", "0001_orders"]
        assert schema_of(url) == [("sqlite_autoindex_hardy_migrations_1", None)]
        await migrator.apply()
        assert schema_of(url) == up


async def test_migrations_can_be_applied_up_to_one_of_them(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_note.sql", NOTE)
    assert await apply(folder.migrations, url, to="1") == ["0001_orders"]
    assert await apply(folder.migrations, url, to="0002_note") == ["0002_note"]


async def test_nothing_is_kept_of_a_migration_that_fails(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    file = folder.write("0002_broken.sql", "insert into orders values (1, 'tea');\n\ninsert into nowhere values (1);")
    async with folder.migrations.at(url) as migrator:
        (fault,) = await refused(migrator.apply())
        assert (fault.code, fault.place.line) == ("H0505", 3)
        assert "no such table: nowhere" in fault.title
        assert query(url, "select * from orders") == []
        assert [each.name for each in (await migrator.standing()).pending] == ["0002_broken"]
    file.write_text("insert into orders values (1, 'tea');")
    assert await apply(folder.migrations, url) == ["0002_broken"]


async def test_nothing_is_kept_of_a_revision_that_raises(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    folder.write(
        "0002_broken.py",
        """
        from alembic import op

        def upgrade():
            op.execute("insert into orders values (1, 'tea')")
            raise ValueError("no more")
        """,
    )
    async with folder.migrations.at(url) as migrator:
        (fault,) = await refused(migrator.apply())
    assert (fault.title, fault.place.line) == ("`0002_broken` failed: ValueError: no more", 5)
    assert query(url, "select * from orders") == []


async def test_references_are_looked_at_when_a_migration_ends(folder, url):
    folder.write("0001_orders.sql", "create table a (id integer primary key); create table b (a references a (id));")
    folder.write("0002_broken.sql", "insert into b values (7);")
    async with folder.migrations.at(url) as migrator:
        (fault,) = await refused(migrator.apply())
    assert fault.title.endswith("failed: a row of `b` refers to a row of `a` that is not there")
    assert query(url, "select * from b") == []


async def test_a_table_that_others_refer_to_can_be_rebuilt(folder, url):
    folder.write(
        "0001_a.sql", "create table orders (id integer primary key, note text); insert into orders values (1, 'x')"
    )
    folder.write("0002_b.sql", "create table b (o references orders (id) on delete cascade); insert into b values (1)")
    folder.write("0003_rebuild.py", REBUILD)
    await apply(folder.migrations, url)
    assert query(url, "select * from b") == [(1,)]


async def test_a_changed_migration_is_refused_by_name(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    await apply(folder.migrations, url)
    folder.write("0001_orders.sql", ORDERS.replace("sku", "skew"))
    folder.write("0002_note.sql", NOTE)
    async with folder.migrations.at(url) as migrator:
        for work in (migrator.apply(), migrator.verify()):
            assert (await refused(work))[0].title == "`0001_orders` was changed after it was applied"


async def test_a_late_migration_and_a_missing_one_are_refused_by_name(folder, url):
    first = folder.write("0001_orders.sql", ORDERS)
    folder.write("0003_note.sql", NOTE)
    await apply(folder.migrations, url)
    folder.write("0002_late.sql", "select 1")
    first.unlink()
    async with folder.migrations.at(url) as migrator:
        faults = await refused(migrator.apply())
    assert [(each.code, each.title.split(",")[0]) for each in faults] == [
        ("H0504", "`0001_orders` is applied"),
        ("H0504", "`0002_late` is not applied"),
    ]
    assert faults[1].helps[0].endswith("0004_late.sql")


async def test_a_newer_version_of_the_service_does_not_stop_the_older_one(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    newer = folder.write("0002_note.sql", NOTE)
    await apply(folder.migrations, url)
    newer.unlink()
    seen = []
    migrations = folder.migrations
    migrations.notices = Notices()
    migrations.notices.listen(seen.append)
    await migrations.bring_up(url, "verify")
    assert seen == [SchemaAhead(migrations=("0002_note",))]


async def test_steps_of_a_part_that_is_used_no_more_are_forgotten(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    migrations = folder.migrations
    migrations.require([STEP])
    await apply(migrations, url)
    async with folder.migrations.at(url) as migrator:
        assert (await migrator.verify()).ahead == []


async def test_nothing_is_undone_when_one_has_no_way_down(folder, url):
    folder.write("0001_orders.sql", "create table orders (id integer primary key, sku text);")
    folder.write("0002_note.sql", NOTE)
    async with folder.migrations.at(url) as migrator:
        await migrator.apply()
        assert [each.code for each in await refused(migrator.rollback(2))] == ["H0507"]
        assert len((await migrator.standing()).applied) == 2
    folder.write("0001_orders.sql", ORDERS.replace(" not null", ""))  # a way down may be added later
    async with folder.migrations.at(url) as migrator:
        assert len(await migrator.rollback(2)) == 2


ONE_BY_ONE = "-- no transaction\ncreate table if not exists a (b);\ninsert into c values (1) on conflict do nothing;"


def execute(url, script):
    raw = sqlite3.connect(path_of(url))
    raw.executescript(script)
    raw.close()


async def test_what_is_no_transaction_goes_on_where_it_failed(folder, url):
    folder.write("0001_a.sql", ONE_BY_ONE)
    async with folder.migrations.at(url) as migrator:
        await refused(migrator.apply())
        standing = await migrator.standing()
        assert (standing.records[0].applied_at, standing.records[0].statements) == (None, 1)
        execute(url, "drop table a; create table c (d);")
        assert len(await migrator.apply()) == 1
    assert [name for name, _ in schema_of(url) if "auto" not in name] == ["c"]  # the first one was not done again


async def test_what_is_no_transaction_begins_again_when_it_was_corrected(folder, url):
    folder.write("0001_a.sql", ONE_BY_ONE)
    async with folder.migrations.at(url) as migrator:
        await refused(migrator.apply())
    execute(url, "drop table a")
    folder.write("0001_a.sql", ONE_BY_ONE.replace("insert into c", "insert into a"))
    assert await apply(folder.migrations, url) == ["0001_a"]
    assert query(url, "select * from a") == [(1,)]


async def test_reset_begins_anew(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    await apply(folder.migrations, url)
    raw = sqlite3.connect(path_of(url))
    raw.executescript('insert into orders values (1, \'tea\'); create view v as select 1; create table "o\'d""d" (a);')
    raw.close()
    async with folder.migrations.at(url) as migrator:
        assert [each.name for each in await migrator.reset()] == ["0001_orders"]
    assert query(url, "select count(*) from orders") == [(0,)]
    assert [name for name, _ in schema_of(url)] == ["orders", "sqlite_autoindex_hardy_migrations_1"]


async def test_the_wait_for_another_process_has_an_end(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    async with folder.migrations.at(url) as one, folder.migrations.at(url, patience=0.05) as other:
        async with one._driver.alone(1.0):
            (fault,) = await refused(other.apply())
    assert fault.code == "H0508"


async def test_a_cancelled_migration_leaves_nothing(folder, url):
    folder.write(
        "0001_slow.sql",
        "create table a (b);\nwith recursive n (i) as (select 1 union all select i + 1 from n) insert into a select i from n;",
    )
    async with folder.migrations.at(url) as migrator:
        task = asyncio.create_task(migrator.apply())
        journal = f"{path_of(url)}-journal"
        while not await asyncio.to_thread(_exists, journal):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await migrator._driver.records() == []


def _exists(path):
    from pathlib import Path

    return Path(path).exists()


# -- a database that is opened


def settings(url, migrate="apply"):
    return DatabaseSettings(url=url, migrate=migrate)


async def test_a_database_applies_what_is_pending_when_it_is_opened(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    seen = []
    notices = Notices()
    notices.listen(seen.append, MigrationApplied)
    database = Database(settings(url), migrations=folder.path)
    database.wire(notices=notices)
    async with database, database.transaction() as session:
        assert await session.first(int, "select count(*) from orders") == 0
    assert [each.name for each in seen] == ["0001_orders"]


async def test_a_database_that_verifies_refuses_to_open_behind_its_migrations(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    database = Database(settings(url, "verify"), migrations=folder.path)
    (fault,) = await refused(database.__aenter__())
    assert (fault.code, fault.title) == ("H0501", "1 migration is not applied to the database")
    await apply(folder.migrations, url)
    async with database:
        pass


async def test_a_database_that_ignores_opens_all_the_same(folder, url):
    folder.write("0001_orders.sql", ORDERS)
    async with Database(settings(url, "ignore"), migrations=folder.path):
        pass


@pytest.mark.parametrize("policy", ["apply", "verify"])
async def test_a_database_in_memory_is_migrated_whenever_it_is_opened(folder, policy):
    folder.write("0001_orders.sql", ORDERS)
    folder.write("0002_note.sql", NOTE)
    folder.write("0003_rebuild.py", REBUILD)
    database = Database(settings("sqlite:///:memory:", policy), migrations=Migrations(folder.path))
    for _ in range(2):
        async with database, database.transaction() as session:
            await session.execute("insert into orders (sku) values ('tea')")
            assert await session.first(int, "select count(*) from orders where note = ''") == 1


async def test_a_database_in_memory_is_closed_when_a_migration_fails(folder):
    folder.write("0001_orders.sql", "nonsense")
    await refused(Database(settings("sqlite:///:memory:"), migrations=folder.path).__aenter__())


async def test_autogenerate_leads_from_the_database_to_the_models(folder, url):
    import sqlalchemy as sa

    metadata = sa.MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text))
    migrations = Migrations(folder.path, metadata=metadata)
    migrations.require([STEP])
    async with migrations.at(url) as migrator:
        await migrator.apply()
        migrations.write("create orders", python=True, bodies=await migrator.draft(metadata))
    async with migrations.at(url) as migrator:
        assert [each.name for each in await migrator.apply()] == ["0001_create_orders"]
        assert await migrator.draft(metadata) == ("pass", "pass")
        assert len(await migrator.rollback()) == 1
    assert "orders" not in [name for name, _ in schema_of(url)]
