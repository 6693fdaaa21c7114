"""The reference service on real sockets, in a thread of its own: its callers here are not asynchronous."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hardy import App
from hardy.adapters.jwt import JwtSettings, dev_key, mint
from hardy.adapters.sql import DatabaseSettings
from hardy.app import Assembly, Listen, Service
from hardy.config import ShutdownSettings, TelemetrySettings
from orders.app import Settings, build


@dataclass(frozen=True)
class Served:
    """A running service, and how to speak to it as alice."""

    assembly: Assembly
    http: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@pytest.fixture
def app(tmp_path) -> App:
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db", durable=False)
    trusted, quiet = JwtSettings(dev_directory=tmp_path), TelemetrySettings(level="warning")
    soon = ShutdownSettings(drain_delay=0, drain_timeout=1)
    return build(Settings(environment="dev", database=database, jwt=trusted, telemetry=quiet, shutdown=soon))


@pytest.fixture
def token(tmp_path) -> str:
    key = dev_key(tmp_path)
    assert key is not None
    return mint(key, "alice", scopes=["orders:read", "orders:ship"])


@pytest.fixture
def served(app, token) -> Iterator[Served]:
    """Serve the app until the test ends."""
    begun, ended = threading.Event(), asyncio.Event()
    place: dict[str, object] = {}
    assembly = Assembly(app)

    async def serve() -> None:
        async with Service(assembly, http=Listen()) as service:
            assert service.http is not None
            place.update(http=str(service.http.addresses[0]), loop=asyncio.get_running_loop())
            begun.set()
            await ended.wait()
            await service.shutdown().run()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert begun.wait(10)
    yield Served(assembly, f"http://{place['http']}", token)
    loop = place["loop"]
    assert isinstance(loop, asyncio.AbstractEventLoop)
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    assert not thread.is_alive()
