"""The broker in memory is bounded; what every broker promises is in its contract suite."""

import asyncio

import pytest

from hardy.core import Code
from hardy.messaging import Done, Envelope, MemoryBroker, MemoryEvents, Unpublished


async def nothing(delivery):
    await asyncio.Event().wait()
    return Done()


async def test_a_group_that_does_not_keep_up_makes_publishing_fail():
    broker = MemoryBroker(capacity=2)
    subscription = await broker.subscribe("t", group="slow", receive=nothing)
    sent = [Envelope(topic="t", key="k", data=b"") for _ in range(4)]
    with pytest.raises(Unpublished) as failed:
        await broker.publish(sent)
    assert list(failed.value.failures) == [sent[2].id, sent[3].id]
    assert {each.code for each in failed.value.failures.values()} == {Code.RESOURCE_EXHAUSTED}
    assert broker.statistics().waiting == 2
    await subscription.close()


async def test_what_was_published_before_the_first_group_is_bounded_too():
    broker, got = MemoryBroker(keep=2), []

    async def keep(delivery):
        got.append(delivery.envelope.data)
        return Done()

    await broker.publish([Envelope(topic="t", data=f"{n}".encode()) for n in range(5)])
    subscription = await broker.subscribe("t", group="g", receive=keep)
    await broker.idle()
    await subscription.close()
    assert sorted(got) == [b"3", b"4"]


async def test_recorded_events_are_kept_in_order():
    events = MemoryEvents()
    await events.publish(1, 2)
    await events.publish(3)
    assert events.published == [1, 2, 3]
