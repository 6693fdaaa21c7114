"""What enqueue makes of a use case and its message."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from hardy.core import Call, InvalidMessage, Operation
from hardy.queueing import MemoryJobs, QueuedJobs, Queues
from hardy.schema import Ge


@dataclass
class SendReceipt:
    order_id: Annotated[int, Ge(1)]


async def send_receipt(msg: SendReceipt, *, call: Call) -> None: ...
async def remind(order_id: int) -> None: ...
async def stranger(msg: SendReceipt) -> None: ...


@pytest.fixture
def queues():
    return Queues([(Operation.of(send_receipt), "mail"), (Operation.of(remind), "later")])


def test_a_job_has_the_queue_the_name_and_the_message_as_json(queues):
    job = queues.job(send_receipt, SendReceipt(42), delay=60, priority=2)
    assert (job.queue, job.use_case, job.message, job.delay, job.priority) == (
        "mail",
        "send_receipt",
        b'{"order_id":42}',
        60,
        2,
    )
    assert queues.job(remind, 7).message == b'{"order_id":7}'
    assert job.cause is None


def test_a_delay_is_never_in_the_past(queues):
    assert queues.job(remind, 7, delay=-5).delay == 0


def test_every_job_has_an_id_of_its_own(queues):
    assert len({queues.job(remind, 7).id for _ in range(100)}) == 100


def test_a_use_case_without_a_queue_is_refused_with_the_line_to_write(queues):
    with pytest.raises(LookupError, match=r'app\.expose\(stranger, jobs\.queue\("mail"\), allow=internal\)'):
        queues.job(stranger, SendReceipt(42))


def test_a_message_of_another_class_is_refused(queues):
    with pytest.raises(TypeError, match="`send_receipt` takes a SendReceipt, it was enqueued with a dict"):
        queues.job(send_receipt, {"order_id": 42})


def test_a_message_that_breaks_its_rules_is_refused_where_it_is_enqueued(queues):
    with pytest.raises(InvalidMessage):
        queues.job(send_receipt, SendReceipt(0))
    with pytest.raises(InvalidMessage):
        queues.job(remind, "many")


async def test_a_job_remembers_the_call_that_asked_for_it(queues):
    made = []

    async def handler(call):
        made.append(queues.job(remind, 7))

    call = Call(Operation.of(remind), "direct", id="call-1")
    await call.run(handler)
    assert made[0].cause == "call-1"


async def test_what_is_enqueued_is_handed_on_and_its_id_returned(queues):
    kept = []

    async def put(job):
        kept.append(job)

    assert await QueuedJobs(queues, put).enqueue(remind, 7) == kept[0].id


async def test_in_the_test_of_a_use_case_jobs_in_memory_are_enough():
    jobs = MemoryJobs()
    await jobs.enqueue(send_receipt, SendReceipt(42), delay=60)
    assert jobs.enqueued == [(send_receipt, SendReceipt(42))]
    assert jobs.statistics().waiting == 1
