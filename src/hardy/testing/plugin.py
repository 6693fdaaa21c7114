"""The pytest plugin, loaded by its entry point: the fixture ``client`` and the mark ``every_transport``.

A project provides the fixture ``app``; a test marked ``every_transport`` then
runs once direct, over HTTP, over gRPC and over ASGI::

    @pytest.mark.every_transport
    async def test_hello(client):
        assert await client.call(hello, "you") == "hello you"

The fixtures ``postgres_url``, ``valkey_url``, ``nats_url`` and ``fault_proxy`` give a test real servers of its
own, started on first use from the wheels of ``hardy[testing]``.

Asynchronous tests and fixtures need a runner: anyio's own plugin with
``anyio_mode = "auto"``, or pytest-asyncio in its auto mode.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hardy.app import App
    from hardy.testing import Client, Transport


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and the servers: registered now, after every plugin was loaded, ours are the ones taken."""
    from hardy.testing import _fixtures

    config.pluginmanager.register(_fixtures, "hardy-servers")
    config.addinivalue_line("markers", "every_transport: run the test direct, over HTTP, over gRPC and over ASGI.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once on each transport."""
    if metafunc.definition.get_closest_marker("every_transport") is None:
        return
    if "transport" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{metafunc.definition.nodeid} is marked every_transport and takes no `client`")
    from hardy.testing import TRANSPORTS

    metafunc.parametrize("transport", TRANSPORTS)


@pytest.fixture
def transport() -> "Transport":
    """How the calls of ``client`` travel; parametrise it, or override it."""
    return "direct"


@pytest.fixture
async def client(app: "App", transport: "Transport") -> "AsyncIterator[Client]":
    """Yield a `hardy.testing.Client` of the fixture ``app``."""
    from hardy.testing import client as open_client

    async with open_client(app, transport) as opened:
        yield opened
