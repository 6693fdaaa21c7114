"""What only reads may be answered by a copy of the database."""

import pytest

from hardy import App, Settings, public
from hardy.adapters.sql import Database, DatabaseSettings, ReadSession, Session
from hardy.testing import client

SCHEMA = "create table if not exists place (name text)"


async def read(*, copy: ReadSession, session: Session) -> list[str]:
    """Tell where reads and writes go."""
    here = await session.all(str, "select name from place")
    return [*await copy.all(str, "select name from place"), *here]


async def database_named(url, name):
    async with (
        Database(DatabaseSettings(url=url, migrate="ignore"), schema=SCHEMA) as database,
        database.transaction() as session,
    ):
        await session.execute("insert into place values (:name)", name=name)


def app_with(url, *replicas):
    app = App("orders", Settings(environment="test"))
    app.manage(Database(DatabaseSettings(url=url, replica_urls=replicas, migrate="ignore"), schema=SCHEMA))
    app.expose(read, allow=public)
    return app


async def test_reads_go_to_a_copy_and_writes_to_the_database(postgres_url, postgres_server):
    with postgres_server.database() as copy:
        await database_named(postgres_url, "main")
        await database_named(copy, "copy")
        async with client(app_with(postgres_url, copy)) as calling:
            assert await calling.call(read) == ["copy", "main"]


async def test_copies_take_turns(postgres_url, postgres_server):
    with postgres_server.database() as one, postgres_server.database() as two:
        await database_named(postgres_url, "main")
        await database_named(one, "one")
        await database_named(two, "two")
        async with client(app_with(postgres_url, one, two)) as calling:
            seen = {tuple(await calling.call(read)) for _ in range(4)}
    assert seen == {("one", "main"), ("two", "main")}


async def test_a_copy_that_is_gone_is_stood_in_for(postgres_url, fault_proxy):
    proxy = await fault_proxy(postgres_url)
    await proxy.down()
    await database_named(postgres_url, "main")
    async with client(app_with(postgres_url, proxy.url_for(postgres_url))) as calling:
        assert await calling.call(read) == ["main", "main"]
        assert await calling.call(read) == ["main", "main"]


@pytest.mark.parametrize("replicas", [0, 1])
async def test_without_copies_the_database_answers(tmp_path, replicas):
    url = f"sqlite:///{tmp_path}/x.db"
    await database_named(url, "main")
    async with client(app_with(url, *[url] * replicas)) as calling:
        assert await calling.call(read) == ["main", "main"]
