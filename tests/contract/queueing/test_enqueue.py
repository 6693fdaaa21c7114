"""What is enqueued is part of the transaction of whoever enqueues."""

import json

import pytest

from hardy.core import Operation
from hardy.queueing import Queues


async def send(order_id: int) -> None: ...


@pytest.fixture
def sql_store(store):
    store.wire(database=store._database, queues=Queues([(Operation.of(send), "mail")]))
    return store


async def test_a_job_is_there_when_its_transaction_is_committed_and_not_before(sql_store):
    heard = []
    sql_store.listen(heard.append)
    async with sql_store._database.transaction() as session:
        id_ = await sql_store.jobs(session).enqueue(send, 42, delay=60, priority=7)
        assert heard == []
    assert heard == ["mail"]
    (found,) = await sql_store.find()
    assert (found.id, found.queue, found.use_case, found.priority) == (id_, "mail", "send", 7)
    assert json.loads(found.message) == {"order_id": 42}
    assert sql_store.statistics().enqueued == 1


async def test_a_job_of_a_transaction_that_was_undone_was_never_there(sql_store):
    heard = []
    sql_store.listen(heard.append)
    with pytest.raises(ZeroDivisionError):
        async with sql_store._database.transaction() as session:
            await sql_store.jobs(session).enqueue(send, 42)
            raise ZeroDivisionError
    assert (list(await sql_store.find()), heard, sql_store.statistics().enqueued) == ([], [], 0)


async def test_a_job_of_a_part_that_was_undone_was_never_there(sql_store):
    async with sql_store._database.transaction() as session:
        jobs = sql_store.jobs(session)
        await jobs.enqueue(send, 1)
        with pytest.raises(ZeroDivisionError):
            async with session.transaction():
                await jobs.enqueue(send, 2)
                raise ZeroDivisionError
    assert [json.loads(each.message)["order_id"] for each in await sql_store.find()] == [1]
