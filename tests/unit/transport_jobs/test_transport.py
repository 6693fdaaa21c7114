"""Jobs are taken, carried out, tried again, given up, and given back."""

import asyncio

import pytest

from hardy.core import Call, Cancelled, InvalidArgument, NotFound, Unavailable
from hardy.messaging import Retry
from hardy.queueing import JobDied, JobLost, JobRetried, NewJob, StoreBack, StoreLost
from hardy.transport import jobs

MAIL = {"poll": 0.01}
AT_ONCE = Retry(first=0, most=0, attempts=3)


def job(id="a", message=b'{"order_id":42}', **given):
    return NewJob(**{"id": id, "queue": "mail", "use_case": "send", "message": message} | given)


async def test_a_job_is_a_call_of_its_own_and_gone_when_it_is_done(store, serve, until):
    seen = []

    async def send(order_id: int, *, call: Call) -> None:
        seen.append((order_id, call.transport, call.principal.subject, call.principal.kind, call.id, call.peer))
        assert call.metadata["job-id"] == "a"

    async with serve((send, jobs.queue("mail"))) as lane:
        await store.put(job(cause="call-1"))
        await until(lambda: lane.statistics().done == 1)
    assert seen == [(42, "jobs", "job:mail", "service", "call-1", "job:mail")]
    assert list(await store.find()) == []
    assert lane.statistics().in_flight == 0


async def test_jobs_that_were_there_before_are_taken(store, serve, until):
    async def send(order_id: int) -> None: ...

    await store.put(job("a"), job("b"))
    async with serve((send, jobs.queue("mail", poll=1000))) as lane:
        await until(lambda: lane.statistics().done == 2)


async def test_a_delayed_job_is_found_without_being_told(store, serve, until, clock):
    async def send(order_id: int) -> None: ...

    async with serve((send, jobs.queue("mail", **MAIL))) as lane:
        await store.put(job(delay=60))
        calls = store.calls
        await until(lambda: store.calls > calls + 3)
        assert lane.statistics().done == 0
        clock.advance(60)
        await until(lambda: lane.statistics().done == 1)


async def test_no_more_than_its_concurrency_are_done_at_once(store, serve, until, gate):
    running, most = 0, 0

    async def send(order_id: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await store.put(*(job(str(n)) for n in range(40)))
    async with serve((send, jobs.queue("mail", concurrency=3, poll=1000))) as lane:
        await until(lambda: lane.statistics().done == 40)
    assert most == 3


async def test_use_cases_share_a_queue_and_queues_do_not_wait_for_each_other(store, serve, until, gate):
    seen = []

    async def send(order_id: int) -> None:
        seen.append("send")
        await gate.go.wait()

    async def remind(order_id: int) -> None:
        seen.append("remind")

    async def report(day: str) -> None:
        seen.append(day)

    mail = jobs.queue("mail", concurrency=1)
    async with serve((send, mail), (remind, mail), (report, jobs.queue("reports"))) as lane:
        await store.put(job("a"), job("b", use_case="remind"))
        await until(lambda: seen == ["send"])
        await store.put(job("c", queue="reports", use_case="report", message=b'{"day":"today"}'))
        await until(lambda: seen == ["send", "today"])
        gate.go.set()
        await until(lambda: lane.statistics().done == 3)
    assert seen == ["send", "today", "remind"]


async def test_a_job_that_fails_is_tried_again_and_then_given_up(store, serve, until, notices):
    tries = []

    async def send(order_id: int) -> None:
        tries.append(order_id)
        raise NotFound("no such order")

    async with serve((send, jobs.queue("mail", retry=AT_ONCE, **MAIL))) as lane:
        await store.put(job())
        await until(lambda: lane.statistics().dead == 1)
    assert tries == [42, 42, 42]
    assert [(type(each), each.attempt) for each in notices] == [(JobRetried, 1), (JobRetried, 2), (JobDied, 3)]
    (dead,) = await store.find(state="dead")
    assert dead.reason == "NOT_FOUND: no such order"


@pytest.mark.parametrize("message", [b"{", b'{"order_id":"many"}', b"{}"], ids=["no JSON", "wrong type", "missing"])
async def test_a_message_that_cannot_be_read_is_given_up_at_once(store, serve, until, message):
    async def send(order_id: int) -> None: ...

    async with serve((send, jobs.queue("mail", **MAIL))) as lane:
        await store.put(job(message=message))
        await until(lambda: lane.statistics().dead == 1)
    assert lane.statistics().retried == 0


async def test_an_invalid_argument_is_given_up_at_once_and_a_defect_is_tried_again(store, serve, until):
    async def send(order_id: int) -> None:
        raise (InvalidArgument("no") if order_id == 1 else ZeroDivisionError)

    async with serve((send, jobs.queue("mail", retry=AT_ONCE, **MAIL))) as lane:
        await store.put(job("a", b'{"order_id":1}'), job("b", b'{"order_id":2}'))
        await until(lambda: lane.statistics().dead == 2)
    assert {(each.attempts, each.reason) for each in await store.find()} == {
        (1, "INVALID_ARGUMENT: no"),
        (3, "INTERNAL: internal error"),
    }


async def test_the_wait_before_another_try_grows_and_is_at_least_what_the_error_says(store, serve, until, notices):
    async def send(order_id: int) -> None:
        raise Unavailable("later", retry_after=3600)

    async with serve((send, jobs.queue("mail", **MAIL))) as lane:
        await store.put(job())
        await until(lambda: lane.statistics().retried == 1)
    assert notices[0].delay == 3600
    waits = [jobs.queue("mail").retry.delay(attempt) for attempt in (1, 3, 5, 20)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, (2, 8, 32, 600), strict=True))


async def test_a_job_whose_processes_keep_dying_is_given_up(store, serve, until, clock):
    ran = []

    async def send(order_id: int) -> None:
        ran.append(order_id)

    await store.put(job())
    for _ in range(3):  # taken, and never heard of again
        await store.take("mail", ["send"], limit=1, lease=1)
        clock.advance(1)
    async with serve((send, jobs.queue("mail", retry=AT_ONCE, **MAIL))) as lane:
        await until(lambda: lane.statistics().dead == 1)
    assert not ran
    assert "not heard of again, 3 times" in (await store.find())[0].reason


async def test_drain_takes_nothing_new_and_returns_when_what_was_taken_is_done(store, serve, until, gate):
    async def send(order_id: int) -> None:
        gate.began.release()
        await gate.go.wait()

    async with serve((send, jobs.queue("mail", concurrency=1))) as lane:
        await store.put(job("a"), job("b"))
        await gate.began.acquire()
        draining = asyncio.create_task(lane.drain())
        assert not (await asyncio.wait([draining], timeout=0.05))[0]
        gate.go.set()
        await draining
        assert lane.statistics().done == 1
        await store.put(job("c"))
    assert sorted([each.id for each in await store.find(state="waiting")]) == ["b", "c"]


async def test_what_is_left_at_the_end_is_cancelled_and_given_back_as_if_never_taken(store, serve, gate):
    async def send(order_id: int) -> None:
        gate.began.release()
        try:
            await asyncio.Event().wait()
        finally:
            gate.ended.append(order_id)

    async with serve((send, jobs.queue("mail"))) as lane:
        await store.put(job())
        await gate.began.acquire()
    assert gate.ended == [42]
    (left,) = await store.find()
    assert (left.state, left.attempts) == ("waiting", 0)
    assert lane.statistics().in_flight == 0


async def test_a_call_that_the_service_cancels_at_its_end_gives_its_job_back_even_without_retries(store, serve, gate):
    calls = []

    async def send(order_id: int, *, call: Call) -> None:
        calls.append(call)
        gate.began.release()
        await asyncio.Event().wait()

    async with serve((send, jobs.queue("mail", retries=0))) as lane:
        await store.put(job())
        await gate.began.acquire()
        draining = asyncio.create_task(lane.drain())
        await asyncio.sleep(0)
        calls[0].cancel(Unavailable("the service is shutting down"))
        await draining
    (left,) = await store.find()
    assert (left.state, left.attempts) == ("waiting", 0)


async def test_a_job_that_was_done_while_the_service_stopped_is_done(store, serve, gate):
    async def send(order_id: int) -> None:
        gate.began.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise Cancelled("as told") from None

    async with serve((send, jobs.queue("mail"))):
        await store.put(job())
        await gate.began.acquire()
    assert [each.state for each in await store.find()] == ["waiting"]


async def test_a_lease_is_renewed_while_the_job_runs(store, serve, until, gate, clock):
    async def send(order_id: int) -> None:
        gate.began.release()
        await gate.go.wait()

    async def renewed():
        return (await store.find())[0].due > before

    async with serve((send, jobs.queue("mail", lease=2, **MAIL))) as lane:
        await store.put(job())
        await gate.began.acquire()
        before = (await store.find())[0].due
        clock.advance(1)
        await until(renewed)
        gate.go.set()
        await until(lambda: lane.statistics().done == 1)
    assert lane.statistics().lost == 0


async def test_a_call_whose_lease_was_lost_is_cancelled_and_says_nothing_of_the_job(
    store, serve, until, gate, notices, clock
):
    async def send(order_id: int) -> None:
        gate.began.release()
        try:
            await gate.go.wait()
        except asyncio.CancelledError:
            gate.ended.append("cancelled")
            raise

    async with serve((send, jobs.queue("mail", lease=0.3, concurrency=1, poll=1000))) as lane:
        await store.put(job())
        await gate.began.acquire()
        clock.advance(1)
        (others,) = await store.take("mail", ["send"], limit=1, lease=1000)
        await until(lambda: lane.statistics().lost == 1)
        assert gate.ended == ["cancelled"]
        assert await store.renew([others], lease=60), "the other one has it still"
    assert [type(each) for each in notices] == [JobLost]


async def test_a_call_is_cancelled_before_its_lease_ends_when_the_store_cannot_be_asked(
    store, serve, until, gate, notices
):
    async def send(order_id: int) -> None:
        gate.began.release()
        try:
            await gate.go.wait()
        finally:
            gate.ended.append(asyncio.get_running_loop().time())

    async with serve((send, jobs.queue("mail", lease=0.3, **MAIL))) as lane:
        before = asyncio.get_running_loop().time()
        await store.put(job())
        await gate.began.acquire()
        store.down = True
        await until(lambda: lane.statistics().lost == 1)
        assert gate.ended[0] - before >= 0.2
        store.down = False
        await until(lambda: any(isinstance(each, StoreBack) for each in notices))
    assert [type(each) for each in notices if isinstance(each, StoreLost | StoreBack)] == [StoreLost, StoreBack]


async def test_a_verdict_is_told_again_until_the_store_hears_it(store, serve, until, gate):
    async def send(order_id: int) -> None:
        store.down = True
        gate.began.release()

    async with serve((send, jobs.queue("mail", **MAIL))) as lane:
        await store.put(job())
        await gate.began.acquire()
        calls = store.calls
        await until(lambda: store.calls > calls)
        store.down = False
        await until(lambda: lane.statistics().done == 1)
    assert list(await store.find()) == []


async def test_a_store_that_is_down_at_the_beginning_stops_nothing(store, serve, until, notices):
    async def send(order_id: int) -> None: ...

    await store.put(job())
    store.down = True
    async with serve((send, jobs.queue("mail", **MAIL))) as lane:
        await until(lambda: notices)
        assert "the store is down" in notices[0].reason
        store.down = False
        await until(lambda: lane.statistics().done == 1)
