"""The fixtures of real servers. The plugin registers them last, so that they win over namesakes of other plugins."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a project whose tests use no server does not pay for one
    from hardy.testing import FaultProxy, NatsServer, PostgresServer, ValkeyServer


@pytest.fixture(scope="session")
def postgres_server() -> "Iterator[PostgresServer]":
    """A PostgreSQL server, started when a test first asks for it; with xdist one per worker."""
    from hardy.testing import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template() -> str:
    """The database that ``postgres_url`` copies; override it with one that has your tables."""
    return "template1"


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer", postgres_template: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database of the test's own, dropped after it."""
    postgres_server.resume()  # in whatever state the test before has left it
    postgres_server.start()
    with postgres_server.database(template=postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> "Iterator[ValkeyServer]":
    """A Valkey (Redis) server, started when a test first asks for it; with xdist one per worker."""
    from hardy.testing import ValkeyServer

    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: "ValkeyServer") -> str:
    """The URL of a Valkey server that is empty.

    It is emptied before the test, not divided by database numbers: those share
    scripts and channels. A worker runs one test at a time, so it has the server to itself.
    """
    valkey_server.resume()
    valkey_server.start()
    valkey_server.flush()
    return valkey_server.url


@pytest.fixture(scope="session")
def nats_server() -> "Iterator[NatsServer]":
    """A NATS server with JetStream, started when a test first asks for it; with xdist one per worker."""
    from hardy.testing import NatsServer

    with NatsServer() as server:
        yield server


@pytest.fixture
def nats_url(nats_server: "NatsServer") -> str:
    """The URL of a NATS server without any stream: those of the test before are deleted.

    A worker runs one test at a time, so subjects and streams may have the names they have in production.
    """
    nats_server.resume()
    nats_server.start()
    nats_server.purge()
    return nats_server.url


@pytest.fixture
async def fault_proxy() -> "AsyncIterator[Callable[[str], Awaitable[FaultProxy]]]":
    """Open a `hardy.testing.FaultProxy` before the server of a URL.

    ``proxy = await fault_proxy(postgres_url)``; the service is given
    ``proxy.url_for(postgres_url)``; the proxy is closed after the test.
    """
    from hardy.testing import FaultProxy

    async with AsyncExitStack() as opened:

        async def before(url: str) -> FaultProxy:
            return await opened.enter_async_context(FaultProxy.to(url))

        yield before
