"""A use case over each database, cancelled at each point where it waits, gives everything back."""

import asyncio

import pytest

from hardy import App, Settings, public
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.core import AlreadyExists
from hardy.testing import cancel_everywhere

SCHEMA = "create table if not exists orders (id integer primary key, sku text not null)"


async def place_order(*, session: Session) -> int:
    """Read, write, fail in a part, write again."""
    last = await session.first(int, "select coalesce(max(id), 0) from orders") or 0
    await session.execute("insert into orders values (:id, 'tea')", id=last + 1)
    try:
        async with session.transaction():
            await session.execute("insert into orders values (:id, 'again')", id=last + 1)
    except AlreadyExists:
        await asyncio.sleep(0)
    return await session.execute("insert into orders values (:id, 'milk')", id=last + 2)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("by", ["call", "client"])
async def test_a_use_case_cancelled_anywhere_gives_its_connection_back(kind, by, tmp_path, request):
    url = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(DatabaseSettings(url=url, connections=2, migrate="ignore"), schema=SCHEMA)
    app = App("orders", Settings(environment="test"))
    app.manage(database)
    app.expose(place_order, allow=public)
    tried = await cancel_everywhere(app, place_order, by=by)
    assert len(tried.points) >= 5
