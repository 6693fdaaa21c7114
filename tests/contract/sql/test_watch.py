"""Statements are looked at as they go by."""

import pytest

from hardy.adapters.sql import Database, DatabaseSettings, RepeatedStatement, SlowStatement, StatementEnded
from hardy.core import Notices


async def test_a_slow_statement_is_told_with_its_text(url, call_with):
    seen = []
    notices = Notices()
    notices.listen(seen.append, SlowStatement)
    database = Database(DatabaseSettings(url=url, slow_statement=1e-9, migrate="ignore"))
    database.wire(notices=notices)
    async with database:

        async def handler(call):
            async with database.transaction() as session:
                await session.first(int, "select 1 where 'secret' = :word", word="secret")

        await call_with().run(handler)
        assert database.statistics().slow == 1
    (told,) = seen
    assert (told.statement, told.operation) == ("select 1 where 'secret' = :word", "place_order")
    assert told.seconds > 0


async def test_every_statement_is_told_to_whoever_listens(url):
    seen = []
    notices = Notices()
    notices.listen(seen.append, StatementEnded)
    database = Database(DatabaseSettings(url=url, migrate="ignore"))
    database.wire(notices=notices)
    async with database:
        with pytest.raises(Exception, match="nowhere"):
            async with database.transaction() as session:
                await session.first(int, "select 1")
                await session.first(int, "select nonsense from nowhere")
    assert [(each.statement, each.failed) for each in seen] == [
        ("select 1", False),
        ("select nonsense from nowhere", True),
    ]


async def test_the_same_read_again_and_again_is_told_once(url):
    seen = []
    notices = Notices()
    notices.listen(seen.append, RepeatedStatement)
    database = Database(DatabaseSettings(url=url, repeats=3, migrate="ignore"))
    database.wire(notices=notices)
    async with database, database.transaction() as session:
        for number in range(10):
            assert await session.all(bool, "select 1 > :n", n=number) is not None
        assert database.statistics().repeated == 1
    assert [(each.statement, each.times) for each in seen] == [("select 1 > :n", 4)]
