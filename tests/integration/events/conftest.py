"""A service that writes orders and events in one transaction, and consumers of those events."""

from collections.abc import Callable, Iterator

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.outbox import Inbox, Outbox

TABLES = "create table orders (id integer primary key, buyer text); create table effects (n integer, id text);"


@pytest.fixture(params=["sqlite", "postgres"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The database a test runs on."""
    return request.param


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_server) -> Iterator[str]:
    """A database for the tests of a module, who each find it empty: to make one takes longer than most of them."""
    postgres_server.resume()
    postgres_server.start()
    with postgres_server.database() as url:
        yield url


@pytest.fixture
async def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path) -> str:
    """An empty database."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    url = request.getfixturevalue("shared_postgres_url")
    server = request.getfixturevalue("postgres_server")
    server.resume()
    server.start()
    async with Database(DatabaseSettings(url=url), schema="drop schema public cascade; create schema public;"):
        return url


@pytest.fixture
def database(dialect: str, database_url: str) -> Callable[[], Database]:
    """Return a database with the tables of outbox, inbox and the tests; the first to be opened makes them."""

    def make(*, tables: bool = True, managed: bool = False) -> Database:
        sql = TABLES if managed else schema(dialect)  # an app applies the steps of its components itself
        return Database(DatabaseSettings(url=database_url), schema=sql if tables else None)

    return make


def schema(dialect: str) -> str:
    steps = [*Outbox.schema_steps, *Inbox.schema_steps]
    return ";\n".join([*(each.postgresql if dialect == "postgres" else each.sqlite for each in steps), TABLES])
