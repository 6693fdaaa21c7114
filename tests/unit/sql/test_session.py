"""One transaction: begun by its first statement, kept whole or not at all."""

import sqlite3

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import Aborted, AlreadyExists, BuildFailed, FailedPrecondition, InvalidArgument


@pytest.mark.parametrize(
    ("sql", "error", "message", "details"),
    [
        ("insert into orders (sku, quantity) values ('tea', 1)", AlreadyExists, "this sku is taken", {"field": "sku"}),
        (
            "insert into orders (id, sku, quantity) values (1, 'x', 1)",
            AlreadyExists,
            "this id is taken",
            {"field": "id"},
        ),
        (
            "insert into buyers (region, name) values ('eu', 'al')",
            AlreadyExists,
            "this region and name is taken",
            {"fields": ["region", "name"]},
        ),
        ("insert into orders (quantity) values (1)", InvalidArgument, "sku is required", {"field": "sku"}),
        (
            "insert into orders (sku, quantity) values ('x', 0)",
            InvalidArgument,
            "a value breaks a rule of the database",
            {"rule": "quantity > 0"},
        ),
        (
            "insert into orders (sku, quantity, buyer) values ('x', 1, 9)",
            FailedPrecondition,
            "something this refers to",
            {},
        ),
        ("delete from buyers", FailedPrecondition, "something this refers to", {}),
        (
            "insert into orders (id, sku, quantity) values ('word', 'x', 1)",
            InvalidArgument,
            "a value does not fit its column",
            {},
        ),
    ],
    ids=["unique", "primary-key", "two-columns", "not-null", "check", "foreign-key", "still-needed", "type"],
)
async def test_a_broken_constraint_has_its_code(database, sql, error, message, details):
    async with database.transaction() as session:
        await session.execute("insert into buyers (id, region, name) values (5, 'eu', 'al')")
        await session.execute("insert into orders (id, sku, quantity, buyer) values (1, 'tea', 1, 5)")
        with pytest.raises(error) as caught:
            async with session.transaction():
                await session.execute(sql)
        assert caught.value.message.startswith(message)
        assert caught.value.details == details
        # Its part alone is undone; the transaction goes on.
        assert await session.first(int, "select count(*) from orders") == 1


async def test_the_message_of_a_trigger_is_the_answer(database, insert):
    async with database.transaction() as session:
        await session.execute(
            "create trigger closed before insert on orders begin select raise(abort, 'we are closed'); end"
        )
        with pytest.raises(FailedPrecondition, match="we are closed"):
            async with session.transaction():
                await insert(session)


async def test_after_a_commit_its_callbacks_are_called_and_only_then(database, insert):
    called = []
    async with database.transaction() as session:
        session.after_commit(lambda: called.append("kept"))
        await insert(session)
        assert called == []
    assert called == ["kept"]
    with pytest.raises(ValueError, match="x"):
        async with database.transaction() as session:
            session.after_commit(lambda: called.append("undone"))
            raise ValueError("x")
    with pytest.raises(AlreadyExists):
        async with database.transaction() as session:
            session.after_commit(lambda: called.append("failed"))
            await insert(session)
    assert called == ["kept"]
    async with database.transaction() as session:
        with pytest.raises(AlreadyExists):
            async with session.transaction():
                session.after_commit(lambda: called.append("of a part that failed"))
                async with session.transaction():
                    session.after_commit(lambda: called.append("of a part of it"))
                await insert(session)
        async with session.transaction():
            session.after_commit(lambda: called.append("of a part"))
    assert called == ["kept", "of a part"]
    assert session.dialect == database.dialect == "sqlite"


async def test_wrong_sql_is_a_defect_that_names_the_statement(database):
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere") as caught:
        async with database.transaction() as session:
            await session.all(int, "select * from nowhere")
    assert caught.value.__notes__ == ["in: select * from nowhere"]


async def test_what_was_read_and_changed_by_another_aborts_and_does_not_overwrite(database, insert):
    async with database.transaction() as session:
        await insert(session, quantity=5)
    with pytest.raises(Aborted, match="changed meanwhile"):
        async with database.transaction() as slow:
            seen = await slow.first(int, "select quantity from orders")
            async with database.transaction() as quick:
                await quick.execute("update orders set quantity = quantity + 1")
            await slow.execute("update orders set quantity = :quantity", quantity=seen + 1)
    async with database.transaction() as session:
        assert await session.first(int, "select quantity from orders") == 6
    assert database.statistics().conflicts == 1


async def test_an_aborted_transaction_is_lost_even_when_the_error_is_caught(database, insert, count):
    with pytest.raises(Aborted):
        async with database.transaction() as slow:
            await slow.first(int, "select count(*) from orders")
            async with database.transaction() as quick:
                await insert(quick)
            with pytest.raises(Aborted):
                await insert(slow, "other")
    assert await count() == 1


async def test_a_reader_sees_one_state_and_does_not_wait_for_a_writer(database, insert):
    async with database.transaction() as writer, database.transaction() as reader:
        await insert(writer)
        assert await reader.first(int, "select count(*) from orders") == 0
        async with database.transaction() as other:
            assert await other.first(int, "select count(*) from orders") == 0


async def test_the_schema_may_be_a_file_and_is_executed_at_every_opening(tmp_path, settings):
    script = tmp_path / "schema.sql"
    script.write_text("create table if not exists t (x); insert into t values (1);")
    for expected in (1, 2):
        async with Database(settings, schema=script) as database, database.transaction() as session:
            assert await session.first(int, "select count(*) from t") == expected


async def test_a_wrong_schema_is_refused_and_leaves_nothing_open(settings):
    with pytest.raises(BuildFailed, match="H0401"):
        async with Database(settings, schema="create tabel x"):
            pass


@pytest.mark.parametrize("url", ["mysql://db/orders", "sqlite://", "sqlite:///", "orders.db"])
def test_a_url_that_names_no_known_database_is_refused(url):
    with pytest.raises(BuildFailed, match="H0282"):
        Database(DatabaseSettings(url=url))


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database at all, just a longer text" * 50)
    with pytest.raises(BuildFailed, match="H0401"):
        async with Database(DatabaseSettings(url=f"sqlite:///{tmp_path}/notes.txt")):
            pass
