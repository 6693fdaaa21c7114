"""Processes that do jobs share them, die, and lose their database."""

import asyncio
import json
import random
import subprocess
import sys
from collections import defaultdict
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.jobs import SqlJobs
from hardy.queueing import NewJob

PROGRAM = Path(__file__).with_name("worker.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal"
    path.touch()
    return path


@pytest.fixture
async def store(url):
    """The store of the jobs, seen from outside of the workers."""
    settings = DatabaseSettings(url=url, durable=False, acquire_timeout=30, connections=2)
    database = Database(settings, schema="create table effects (number integer)")
    database.migrations.require(SqlJobs.schema_steps)
    async with database:
        store = SqlJobs()
        store.wire(database=database)
        yield store


@pytest.fixture
def until():
    async def until(condition):
        async with asyncio.timeout(800):
            while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
                await asyncio.sleep(0.02)

    return until


@asynccontextmanager
async def worker(url, journal, lease=60.0):
    process = subprocess.Popen(
        [sys.executable, PROGRAM, url, journal, str(lease)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n"  # a proxy goes on meanwhile
            yield process
        finally:
            process.kill()


def read(journal):
    """Return what happened to each job: (what, attempt, process, when), in order of time."""
    found = defaultdict(list)
    for line in journal.read_text().splitlines():
        what, number, attempt, process, when = line.split()
        found[int(number)].append((what, int(attempt), int(process), float(when)))
    return {number: sorted(each, key=lambda one: one[3]) for number, each in found.items()}


def job(number, seconds=0.0, **given):
    message = json.dumps({"number": number, "seconds": seconds}).encode()
    return NewJob(id=f"job-{number}", queue="work", use_case="work", message=message, **given)


async def effects(store):
    async with store._database.transaction() as session:
        return await session.all(int, "select number from effects order by number")


async def test_a_job_of_a_process_that_was_killed_is_done_by_another_after_its_lease(url, store, journal, until):
    await store.put(job(1, seconds=1000))
    async with worker(url, journal, lease=2.0) as first:
        await until(lambda: read(journal))
        began = read(journal)[1][0][3]
        first.kill()
    assert [each.state for each in await store.find()] == ["taken"]
    assert await effects(store) == [], "what the killed process had written is not kept"
    async with worker(url, journal, lease=2.0) as second:
        await until(lambda: len(read(journal)[1]) == 2)
        what, attempt, process, when = read(journal)[1][1]
    assert (what, attempt, process) == ("began", 2, second.pid)
    assert when - began >= 1.5, "not before the lease had ended"


@pytest.mark.parametrize("count", [120, pytest.param(3_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_processes_share_the_jobs_and_none_is_done_twice(url, store, journal, until, count):
    async def all_done():
        return not await store.find(limit=1)

    async with worker(url, journal) as first, worker(url, journal) as second:
        await store.put(*(job(number, seconds=0.005) for number in range(count)))
        await until(all_done)
        await until(lambda: sum(map(len, read(journal).values())) == 2 * count)
    happened = read(journal)
    assert sorted(happened) == list(range(count))
    assert all([what for what, *_ in each] == ["began", "ended"] for each in happened.values())
    assert await effects(store) == list(range(count))
    assert {each[0][2] for each in happened.values()} == {first.pid, second.pid}


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_no_job_is_lost_and_none_runs_twice_at_once_when_processes_are_killed(url, store, journal, until, kills):
    lease, count = 3.0, 40 * kills
    await store.put(*(job(number, seconds=0.02) for number in range(count)))

    async def all_done():
        return not await store.find(limit=1)

    for _ in range(kills):
        before = len(journal.read_text())
        async with worker(url, journal, lease) as process:
            await until(lambda: len(journal.read_text()) > before + random.randint(50, 500))  # noqa: B023
            process.kill()
    async with worker(url, journal, lease), worker(url, journal, lease):
        await until(all_done)
    happened = read(journal)
    assert set(await effects(store)) == set(range(count))
    for each in happened.values():
        begins = [when for what, _, _, when in each if what == "began"]
        assert all(later - earlier >= lease / 2 for earlier, later in pairwise(begins))


async def test_a_database_that_is_gone_for_a_while_costs_no_job_and_no_second_run(
    postgres_url, fault_proxy, journal, until
):
    proxy = await fault_proxy(postgres_url)
    settings = DatabaseSettings(url=postgres_url, durable=False, acquire_timeout=30, connections=2)
    database = Database(settings, schema="create table effects (number integer)")
    database.migrations.require(SqlJobs.schema_steps)
    async with database:
        store = SqlJobs()
        store.wire(database=database)
        await store.put(*(job(number, seconds=0.01) for number in range(100)))

        async def all_done():
            return not await store.find(limit=1)

        async with worker(proxy.url_for(postgres_url), journal):
            await until(lambda: len(read(journal)) > 10)
            await proxy.down()
            await asyncio.sleep(0.3)
            await proxy.up()
            await until(lambda: len(read(journal)) > 30)
            await proxy.half_open()
            await asyncio.sleep(0.3)
            await proxy.up()
            for number in range(100):  # what was running when it went is retried by the policy: at once, here
                await database_now(store, number)
            await until(all_done)
        assert set(await effects(store)) == set(range(100))


async def database_now(store, number):
    async with store._database.transaction() as session:
        await session.execute("update hardy_jobs set due = 0 where id = :id and lease is null", id=f"job-{number}")
