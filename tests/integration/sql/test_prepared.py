"""What the server keeps for statements that come again and again."""

from dataclasses import dataclass

from sqlalchemy import text

from hardy.adapters.sql import Database, DatabaseSettings

KEPT = "select statement, (generic_plans + custom_plans)::int as executed from pg_prepared_statements"


@dataclass
class Kept:
    statement: str
    executed: int


async def test_the_server_parses_a_statement_once_for_each_connection(postgres_url):
    async with Database(DatabaseSettings(url=postgres_url, connections=1, migrate="ignore")) as database:
        for number in range(3):
            async with database.transaction() as session:
                assert await session.first(int, "select :number::int", number=number) == number
        async with database.transaction() as session:
            kept = await session.all(Kept, KEPT)
    assert Kept("select $1::int", executed=3) in kept


async def test_the_server_parses_a_statement_of_sqlalchemy_once_for_each_connection(postgres_url):
    async with Database(DatabaseSettings(url=postgres_url, connections=1, migrate="ignore")) as database:
        for number in range(3):
            async with database.transaction() as session:
                core = await session.connection()
                assert (await core.execute(text("select cast(:number as int)"), {"number": number})).scalar() == number
        async with database.transaction() as session:
            kept = await session.all(Kept, KEPT)
    assert [each.executed for each in kept if "cast" in each.statement.lower()] == [3]
