"""`hardy jobs` shows the jobs of a service, carries one out here, and lets dead ones be tried again."""

import asyncio
import json

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.jobs import SqlJobs
from hardy.queueing import NewJob

SERVICE = """
    from dataclasses import dataclass
    from typing import ClassVar

    import hardy
    from hardy import App, InvalidArgument, Principal, internal
    from hardy.adapters.sql import Database, DatabaseSettings
    from hardy.adapters.sql.jobs import SqlJobs
    from hardy.queueing import MemoryJobs, MemoryClaims
    from hardy.transport import jobs, schedule


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        prefix: ClassVar[str] = "SHOP"
        database: DatabaseSettings


    @dataclass(frozen=True)
    class SendReceipt:
        order_id: int


    async def send_receipt(msg: SendReceipt, *, caller: Principal) -> str:
        if msg.order_id < 0:
            raise InvalidArgument("no such order", order_id=msg.order_id)
        return f"sent {msg.order_id} as {caller.subject}"


    async def expire_orders(*, caller: Principal) -> str:
        return f"expired as {caller.subject}"


    async def unbound() -> None: ...


    def build(settings: Settings) -> App:
        app = App("shop", settings)
        %s
        app.expose(send_receipt, jobs.queue("mail"), allow=internal)
        app.expose(expire_orders, schedule.cron("0 * * * *"), allow=internal)
        app.expose(unbound, allow=internal)
        return app
"""
SQL = """app.manage(Database(settings.database))
        app.manage(SqlJobs())"""
MEMORY = """app.manage(MemoryJobs())
        app.manage(MemoryClaims())"""


def job(id, **given):
    return NewJob(**{"id": id, "queue": "mail", "use_case": "send_receipt", "message": b'{"order_id":42}'} | given)


async def fill(url):
    """One job that waits, one of another queue that is delayed, two that were given up."""
    database = Database(DatabaseSettings(url=url))
    database.migrations.require(SqlJobs.schema_steps)
    async with database:
        store = SqlJobs()
        store.wire(database=database)
        await store.put(job("tea"), job("milk"))
        for each in await store.take("mail", ["send_receipt"], limit=2, lease=60):
            await store.bury(each, reason=f"INVALID_ARGUMENT: no such order {'x' * 100}")
        await store.put(job("soon", priority=3), job("later", queue="reports", delay=3600))


@pytest.fixture
def shop(project, tmp_path, monkeypatch):
    project.write("src/shop/app.py", SERVICE % SQL)
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("SHOP_DATABASE__URL", url)
    asyncio.run(fill(url))
    return project


def ids(hardy, *flags):
    done = hardy("jobs", "list", "--json", *flags)
    assert done.code == 0, done.err
    return [each["id"] for each in json.loads(done.out)]


def test_jobs_are_listed_the_next_first(shop, hardy):
    done = hardy("jobs", "list")
    assert done.code == 0, done.err
    header, first, second, *dead = done.out.splitlines()
    assert header.split() == ["id", "queue", "use", "case", "state", "priority", "attempts", "due", "reason"]
    assert first.split()[:6] == ["soon", "mail", "send_receipt", "waiting", "3", "0"]
    assert second.split()[:4] == ["later", "reports", "send_receipt", "waiting"]
    assert all("dead" in each and each.endswith("xxx...") for each in dead)
    assert "4 jobs" in done.err


def test_they_are_chosen_by_queue_and_state_and_are_json_when_asked(shop, hardy):
    assert ids(hardy, "--queue", "reports") == ["later"]
    assert sorted(ids(hardy, "--state", "dead")) == ["milk", "tea"]
    assert len(ids(hardy, "--limit", "2")) == 2
    done = json.loads(hardy("jobs", "list", "--json", "--queue", "mail", "--state", "waiting").out)
    assert (done[0]["message"], done[0]["use_case"], done[0]["reason"]) == ('{"order_id":42}', "send_receipt", None)


def test_one_is_retried_by_its_id_and_the_rest_with_all(shop, hardy):
    done = hardy("jobs", "retry", "tea")
    assert (done.code, done.err.strip()) == (0, "1 job will be tried again")
    assert ids(hardy, "--state", "dead") == ["milk"]
    assert hardy("jobs", "retry", "--all", "--queue", "reports").err.strip() == "0 jobs will be tried again"
    assert hardy("jobs", "retry", "--all").code == 0
    assert ids(hardy, "--state", "dead") == []


def test_retry_wants_to_be_told_which_and_an_unknown_id_is_nothing_done(shop, hardy):
    done = hardy("jobs", "retry")
    assert done.code == 2
    assert "--all" in done.err
    assert hardy("jobs", "retry", "nonsense").code == 1


def test_looking_migrates_nothing(shop, hardy, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE__URL", f"sqlite:///{tmp_path}/new.db")
    done = hardy("jobs", "list")
    assert done.code == 6
    assert "error[H0501]: 2 migrations are not applied" in done.err
    assert hardy("jobs", "list").code == 6


def test_a_job_is_run_here_as_its_queue_would(shop, hardy):
    done = hardy("jobs", "run", "send_receipt", '{"order_id": 7}')
    assert (done.code, done.out) == (0, '"sent 7 as job:mail"\n')
    assert "OK" in done.err


def test_a_schedule_is_run_here_now(shop, hardy):
    done = hardy("jobs", "run", "shop.expire_orders")
    assert (done.code, done.out) == (0, '"expired as schedule:expire_orders"\n')


def test_a_run_that_fails_says_why(shop, hardy):
    done = hardy("jobs", "run", "send_receipt", '{"order_id": -1}')
    assert done.code == 1
    assert "INVALID_ARGUMENT" in done.err
    assert "no such order" in done.err
    done = hardy("jobs", "run", "send_receipt", '{"order_id": "many"}')
    assert done.code == 1
    assert "not run" in done.err


def test_what_is_bound_to_neither_is_refused_and_the_closest_named(shop, hardy):
    done = hardy("jobs", "run", "send_reciept")
    assert done.code == 2
    assert 'the closest is "send_receipt"' in done.err
    assert hardy("jobs", "run", "unbound").code == 2


def test_an_unknown_command_is_refused_and_the_closest_named(shop, hardy):
    done = hardy("jobs", "lits")
    assert done.code == 2
    assert 'the closest is "list"' in done.err


def test_jobs_in_memory_cannot_be_looked_at_and_can_be_run(project, hardy, monkeypatch):
    project.write("src/shop/app.py", SERVICE % MEMORY)
    monkeypatch.setenv("SHOP_DATABASE__URL", "sqlite:///:memory:")
    done = hardy("jobs", "list")
    assert done.code == 2
    assert "in its memory" in done.err
    assert hardy("jobs", "run", "expire_orders").code == 0


def test_a_service_without_jobs_says_what_to_manage(project, hardy):
    done = hardy("jobs", "list")
    assert done.code == 2
    assert "app.manage(SqlJobs())" in done.err
    assert "binds no use case" in hardy("jobs", "run", "buy").err
