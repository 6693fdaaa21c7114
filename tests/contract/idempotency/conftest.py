"""Every adapter of the port `IdempotencyStore`; each test of the contract runs over all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import pytest

from hardy.adapters.redis import Redis, RedisIdempotency, RedisSettings
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.resilience import IdempotencyStore, MemoryIdempotency
from hardy.testing import VirtualClock

KINDS = ["memory", "redis", "sqlite-memory", "sqlite-file", "postgresql"]


@dataclass
class Opened:
    """A store, what it writes in, and the time it goes by."""

    store: IdempotencyStore
    other: IdempotencyStore
    """The store of another process."""
    clock: VirtualClock | None = None
    database: Database | None = None
    effects: list[str] = field(default_factory=list)

    @property
    def in_transaction(self) -> bool:
        return self.store.within is not None

    def scope(self):
        """The transaction of one call; of a store of its own there is none."""
        return nullcontext() if self.database is None else self.database.transaction()

    def pass_(self, seconds: float) -> None:
        """Let time pass; a server's passes by itself."""
        if self.clock is not None:
            self.clock.advance(seconds)


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    clock = VirtualClock()
    if kind == "memory":
        store = MemoryIdempotency(clock=clock)
        yield Opened(store, store, clock)
        return
    if kind == "redis":
        settings = RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10)
        async with Redis(settings) as one, Redis(settings) as two:
            yield Opened(RedisIdempotency(one), RedisIdempotency(two))
        return
    tmp_path = request.getfixturevalue("tmp_path")
    urls = {"sqlite-memory": "sqlite:///:memory:", "sqlite-file": f"sqlite:///{tmp_path}/kept.db"}
    url = urls[kind] if kind in urls else request.getfixturevalue("postgres_of_module")
    settings = DatabaseSettings(url=url, acquire_timeout=20, durable=False, migrate="ignore")
    words = "postgresql" if kind == "postgresql" else "sqlite"
    tables = ";".join(getattr(step, words) for step in SqlIdempotency.schema_steps)
    async with Database(settings, schema=tables) as database:
        store, other = SqlIdempotency(clock=clock), SqlIdempotency(clock=clock)
        for each in (store, other):
            each.wire(database=database)
        async with store, other:
            async with database.transaction() as session:
                await session.execute("delete from hardy_idempotency")
            yield Opened(store, other, clock, database)


@pytest.fixture(scope="module")
def postgres_of_module(postgres_server):
    """One database for all tests of a module: to make one takes longer than all that is done in it."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=KINDS)
async def at(request):
    """An opened store, in its surroundings."""
    async with opened(request.param, request) as found:
        yield found


@pytest.fixture
def until():
    """Ask until the answer is one, for as long as a slow machine takes."""

    async def until(ask, kind):
        async with asyncio.timeout(20):
            while not isinstance(answer := await ask(), kind):
                await asyncio.sleep(0.002)
        return answer

    return until
