"""What a database refuses has the same code everywhere, with the field."""

import pytest

from hardy.core import AlreadyExists, DeadlineExceeded, FailedPrecondition, InvalidArgument


@pytest.mark.parametrize(
    ("sql", "error", "message", "details"),
    [
        ("insert into orders (id, sku) values (2, 'tea')", AlreadyExists, "this sku is taken", {"field": "sku"}),
        ("insert into orders (id, sku) values (1, 'x')", AlreadyExists, "this id is taken", {"field": "id"}),
        (
            "insert into buyers (id, region, name) values (6, 'eu', 'al')",
            AlreadyExists,
            "this region and name is taken",
            {"fields": ["region", "name"]},
        ),
        ("insert into orders (id, sku) values (2, null)", InvalidArgument, "sku is required", {"field": "sku"}),
        (
            "insert into orders (id, sku, quantity) values (2, 'x', 0)",
            InvalidArgument,
            "a value breaks a rule of the database",
            {"rule": "positive"},
        ),
        (
            "insert into orders (id, sku, buyer) values (2, 'x', 9)",
            FailedPrecondition,
            "something this refers to",
            {},
        ),
        ("delete from buyers", FailedPrecondition, "something this refers to", {}),
    ],
    ids=["unique", "primary-key", "two-columns", "not-null", "check", "foreign-key", "still-needed"],
)
async def test_a_broken_constraint_has_its_code(database, sql, error, message, details):
    async with database.transaction() as session:
        await session.execute("insert into buyers (id, region, name) values (5, 'eu', 'al')")
        await session.execute("insert into orders (id, sku, buyer) values (1, 'tea', 5)")
        with pytest.raises(error) as caught:
            async with session.transaction():
                await session.execute(sql)
        assert caught.value.message.startswith(message)
        assert caught.value.details == details
        assert await session.first(int, "select count(*) from orders") == 1


async def test_a_text_that_is_too_long_is_the_callers_fault(database):
    if database.dialect == "sqlite":
        pytest.skip("SQLite stores whatever length")
    with pytest.raises(InvalidArgument, match="too long"):
        async with database.transaction() as session:
            await session.execute("insert into orders (id, sku, note) values (1, 'x', :note)", note="x" * 6)


async def test_wrong_sql_is_a_defect_that_names_the_statement(database):
    with pytest.raises(Exception, match="nowhere") as caught:
        async with database.transaction() as session:
            await session.all(int, "select * from nowhere")
    assert caught.value.__notes__ == ["in: select * from nowhere"]


async def test_a_failed_statement_takes_its_transaction_with_it(database, insert, count):
    with pytest.raises(RuntimeError, match=r"failed before \(this sku is taken\).*session.transaction"):
        async with database.transaction() as session:
            await session.execute("insert into orders (id, sku) values (1, 'tea')")
            with pytest.raises(AlreadyExists):
                await session.execute("insert into orders (id, sku) values (2, 'tea')")
            with pytest.raises(RuntimeError, match="failed before"):
                await session.first(int, "select 1")
    assert await count() == 0


async def test_a_statement_ends_at_the_deadline_of_its_call(database, call_with, settled, endless):
    async def handler(call):
        async with database.transaction() as session:
            await session.execute("insert into orders (id, sku) values (1, 'tea')")
            await session.first(int, endless)

    with pytest.raises(DeadlineExceeded):
        await call_with(0.2).run(handler)
    await settled(database)
    async with database.transaction() as session:
        assert await session.first(int, "select count(*) from orders") == 0


async def test_parameters_are_compared_with_what_is_given(database):
    async with database.transaction() as session:
        with pytest.raises(TypeError, match="`:buyer` has no value, `byer` is given and not used"):
            await session.first(int, "select :buyer", byer=1)
        with pytest.raises(TypeError, match="is the session's business"):
            await session.execute("commit")
