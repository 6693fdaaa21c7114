"""Every adapter of the ports `JobStore` and `Claims`; each test of the contracts runs over all of them."""

from contextlib import asynccontextmanager

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.jobs import SqlJobs
from hardy.queueing import MemoryClaims, MemoryJobs
from hardy.testing import VirtualClock


@asynccontextmanager
async def sql(url, dialect, clock):
    schema = "".join(getattr(step, dialect) for step in SqlJobs.schema_steps)
    settings = DatabaseSettings(url=url, durable=False, connections=4, acquire_timeout=20, migrate="ignore")
    async with Database(settings, schema=schema) as database, SqlJobs() as store:
        store.wire(database=database, clock=clock)
        yield store


@asynccontextmanager
async def sqlite(request, clock):
    path = request.getfixturevalue("tmp_path")
    async with sql(f"sqlite:///{path}/jobs.db", "sqlite", clock) as store:
        yield store


@asynccontextmanager
async def postgresql(request, clock):
    async with sql(request.getfixturevalue("postgres_url"), "postgresql", clock) as store:
        yield store


@asynccontextmanager
async def memory_jobs(request, clock):
    async with MemoryJobs(clock=clock) as store:
        yield store


@asynccontextmanager
async def memory_claims(request, clock):
    async with MemoryClaims() as claims:
        yield claims


STORES = {"memory": memory_jobs, "sqlite": sqlite, "postgresql": postgresql}
CLAIMS = {"memory": memory_claims, "sqlite": sqlite, "postgresql": postgresql}


def pytest_generate_tests(metafunc):
    if "sql_store" in metafunc.fixturenames:
        sql = {word: make for word, make in STORES.items() if word != "memory"}
        metafunc.parametrize("make_store", sql.values(), ids=sql)
    elif "store" in metafunc.fixturenames:
        metafunc.parametrize("make_store", STORES.values(), ids=STORES)
    if "claims" in metafunc.fixturenames:
        metafunc.parametrize("make_claims", CLAIMS.values(), ids=CLAIMS)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
async def store(make_store, request, clock):
    """An opened, empty adapter of the port `JobStore`."""
    async with make_store(request, clock) as opened:
        yield opened


@pytest.fixture
async def claims(make_claims, request, clock):
    """An opened, empty adapter of the port `Claims`."""
    async with make_claims(request, clock) as opened:
        yield opened
