"""What holds for every adapter of the port `JobStore`."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hardy.queueing import NewJob


def job(id="a", **given):
    return NewJob(**{"id": id, "queue": "mail", "use_case": "send", "message": b'{"order_id":42}'} | given)


async def take(store, limit=100, queue="mail", lease=60.0, use_cases=("send",)):
    return await store.take(queue, use_cases, limit=limit, lease=lease)


async def ids(store, **given):
    return [each.id for each in await take(store, **given)]


async def test_a_job_is_taken_as_it_was_put(store):
    await store.put(job(priority=3, cause="call-1", message='{"name":"Zoë"}'.encode()))
    (taken,) = await take(store)
    assert (taken.id, taken.queue, taken.use_case, taken.message) == ("a", "mail", "send", '{"name":"Zoë"}'.encode())
    assert (taken.priority, taken.cause, taken.attempt, taken.lost) == (3, "call-1", 1, 0)


async def test_nothing_is_taken_of_an_empty_store_and_nothing_put_is_nothing_kept(store):
    await store.put()
    assert await ids(store) == []


async def test_a_job_that_was_taken_is_nobody_elses(store):
    await store.put(job())
    assert await ids(store) == ["a"]
    assert await ids(store) == []


async def test_only_jobs_of_the_queue_and_of_known_use_cases_are_taken(store):
    await store.put(job("other", queue="reports"), job("newer", use_case="send_later"), job("mine"))
    assert await ids(store) == ["mine"]
    assert await ids(store, use_cases=("send", "send_later")) == ["newer"]


async def test_higher_priorities_go_first_then_the_oldest(store, clock):
    for number, priority in enumerate([0, 5, -1, 5, 0]):
        await store.put(job(str(number), priority=priority))
        clock.advance(1)
    assert await ids(store, limit=2) == ["1", "3"]
    assert await ids(store) == ["0", "4", "2"]


async def test_a_delayed_job_is_taken_when_its_time_has_come(store, clock):
    await store.put(job(delay=60))
    clock.advance(59)
    assert await ids(store) == []
    clock.advance(1)
    assert await ids(store) == ["a"]


async def test_a_job_that_is_done_is_gone(store, clock):
    await store.put(job())
    (taken,) = await take(store)
    assert await store.done(taken)
    assert not await store.done(taken)
    clock.advance(1000)
    assert await ids(store) == []
    assert list(await store.find()) == []


async def test_a_job_whose_lease_has_ended_is_taken_again_and_counted_as_lost(store, clock):
    await store.put(job())
    (first,) = await take(store, lease=60)
    clock.advance(59)
    assert await ids(store) == []
    clock.advance(1)
    (second,) = await take(store)
    assert (second.attempt, second.lost) == (2, 1)
    assert second.lease != first.lease


@pytest.mark.parametrize(
    "settle",
    [
        lambda store, job: store.done(job),
        lambda store, job: store.retry(job, delay=0, reason="no"),
        lambda store, job: store.give_back(job),
        lambda store, job: store.bury(job, reason="no"),
    ],
    ids=["done", "retry", "give back", "bury"],
)
async def test_who_has_lost_the_lease_cannot_say_what_became_of_the_job(store, clock, settle):
    await store.put(job())
    (first,) = await take(store, lease=60)
    clock.advance(61)
    (second,) = await take(store, lease=60)
    assert not await settle(store, first)
    assert list(await store.renew([first], lease=60)) == []
    assert await settle(store, second)


async def test_who_is_late_and_was_not_replaced_may_still_say_it_is_done(store, clock):
    await store.put(job())
    (taken,) = await take(store, lease=60)
    clock.advance(61)
    assert await store.done(taken)


async def test_a_lease_is_renewed_for_those_who_hold_it(store, clock):
    await store.put(job("a"), job("b"))
    first, second = sorted(await take(store, lease=60), key=lambda each: each.id)
    clock.advance(50)
    assert {each.id for each in await store.renew([first, second], lease=60)} == {"a", "b"}
    clock.advance(50)
    assert await ids(store) == []
    assert [each.id for each in await store.renew([first], lease=60)] == ["a"]
    clock.advance(20)
    (again,) = await take(store)
    assert again.id == "b"
    assert [each.id for each in await store.renew([first, second], lease=60)] == ["a"]
    assert list(await store.renew([replace(first, lease=again.lease)], lease=60)) == []
    assert list(await store.renew([], lease=60)) == []


async def test_a_job_is_retried_after_its_delay(store, clock):
    await store.put(job())
    (taken,) = await take(store)
    assert await store.retry(taken, delay=10, reason="UNAVAILABLE: no mail today")
    (listed,) = await store.find()
    assert (listed.state, listed.attempts, listed.reason) == ("waiting", 1, "UNAVAILABLE: no mail today")
    clock.advance(9)
    assert await ids(store) == []
    clock.advance(1)
    (again,) = await take(store)
    assert (again.attempt, again.lost) == (2, 0)


async def test_a_job_that_was_given_back_is_taken_as_if_for_the_first_time(store):
    await store.put(job())
    (taken,) = await take(store)
    assert await store.give_back(taken)
    (again,) = await take(store)
    assert (again.attempt, again.lost) == (1, 0)


async def test_a_job_that_was_given_up_is_not_taken_until_it_is_requeued(store, clock):
    await store.put(job("a"), job("b"), job("c", queue="reports"))
    for each in [*await take(store), *await take(store, queue="reports")]:
        assert await store.bury(each, reason="INVALID_ARGUMENT: no such order")
    clock.advance(10_000)
    assert await ids(store) == []
    assert {(each.id, each.state, each.reason) for each in await store.find(queue="mail")} == {
        ("a", "dead", "INVALID_ARGUMENT: no such order"),
        ("b", "dead", "INVALID_ARGUMENT: no such order"),
    }
    assert await store.requeue("a", "unknown") == 1
    (taken,) = await take(store)
    assert (taken.id, taken.attempt, taken.lost) == ("a", 1, 0)
    assert await store.requeue("a") == 0
    assert await store.requeue(queue="mail") == 1
    assert await store.requeue() == 1


async def test_jobs_are_listed_by_queue_and_state(store, clock):
    await store.put(job("later", delay=60), job("now"), job("taken", queue="reports"))
    await take(store, queue="reports", lease=30)
    listed = {each.id: each for each in await store.find()}
    assert {key: each.state for key, each in listed.items()} == {"later": "waiting", "now": "waiting", "taken": "taken"}
    assert listed["later"].enqueued == clock.now()
    assert listed["later"].due == clock.now() + timedelta(seconds=60)
    assert listed["now"].message == b'{"order_id":42}'
    assert [each.id for each in await store.find(queue="mail")] == ["now", "later"]
    assert [each.id for each in await store.find(state="taken")] == ["taken"]
    assert list(await store.find(state="dead")) == []
    assert len(await store.find(limit=2)) == 2
    clock.advance(31)
    assert list(await store.find(state="taken")) == [], "a lease that has ended is nobody's"


async def test_who_listens_hears_of_what_is_put(store):
    heard = []
    stop = store.listen(heard.append)
    await store.put(job("a"), job("b", queue="reports"))
    assert sorted(heard) == ["mail", "reports"]
    stop()
    await store.put(job("c"))
    assert len(heard) == 2


async def test_many_who_take_at_once_never_take_the_same(store):
    await store.put(*(job(str(number)) for number in range(60)))
    taken = await asyncio.gather(*(take(store, limit=5) for _ in range(16)))
    found = [each.id for some in taken for each in some]
    assert len(found) == len(set(found))
    while some := await take(store, limit=5):
        found += [each.id for each in some]
    assert sorted(found, key=int) == [str(number) for number in range(60)]
