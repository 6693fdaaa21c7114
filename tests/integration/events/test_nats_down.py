"""NATS goes away and comes back: nothing is lost, nothing has to be told."""

import asyncio

import pytest

from event_sink import COUNTED, Counted
from hardy.adapters.nats import Nats, NatsSettings
from hardy.adapters.sql.outbox import Outbox, OutboxSettings
from hardy.core import BuildFailed, Code, Notices, Unavailable
from hardy.messaging import Done, Envelope, PublisherBack, PublisherLost, Unpublished


@pytest.fixture
def dialect():
    return "sqlite"


def settings(url: str) -> NatsSettings:
    return NatsSettings(url=url, partitions=4, ack_wait=1, publish_timeout=2, connect_timeout=20, required=True)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_while_the_server_is_away_publishing_fails_and_then_goes_on(nats_url, nats_server):
    got = []

    async def keep(delivery):
        got.append(delivery.envelope.data)
        return Done()

    async with Nats(settings(nats_url)) as broker:
        subscription = await broker.subscribe("counted", group="test", receive=keep)
        await broker.publish([Envelope(topic="counted", key="a", data=b"1")])
        await until(lambda: got)
        await asyncio.to_thread(nats_server.kill)
        lost = [Envelope(topic="counted", key="a", data=b"2"), Envelope(topic="counted", key="a", data=b"3")]
        with pytest.raises(Unpublished) as failed:
            await broker.publish(lost)
        assert {each.id: failed.value.failures[each.id].code for each in lost} == {
            each.id: Code.UNAVAILABLE for each in lost
        }
        with pytest.raises(Unavailable):
            await broker.ping()
        await asyncio.to_thread(nats_server.start)
        await until(lambda: broker.statistics().connected)
        await broker.publish(lost)
        await until(lambda: len(set(got)) == 3)  # the first may come twice: its end was not told before the server died
        await subscription.close()
        assert list(dict.fromkeys(got)) == [b"1", b"2", b"3"]


async def test_an_outbox_waits_for_its_broker(database, nats_url, nats_server):
    got, told = [], []

    async def keep(delivery):
        got.append(int(delivery.envelope.data.split(b'"n":')[1][:-1]))
        return Done()

    notices = Notices()
    notices.listen(told.append, PublisherLost, PublisherBack)
    async with database() as opened, Nats(settings(nats_url)) as broker:
        outbox = Outbox({Counted: COUNTED}, OutboxSettings(poll=0.05, attempts=1))
        outbox.wire(database=opened, publisher=broker, notices=notices)
        async with outbox:
            subscription = await broker.subscribe("counted", group="test", receive=keep)
            await asyncio.to_thread(nats_server.kill)
            for n in range(5):
                async with opened.transaction() as session:
                    await outbox.events(session).publish(Counted("a", n))
            await until(lambda: told)
            await asyncio.to_thread(nats_server.start)
            await until(lambda: len(set(got)) == 5)
            await subscription.close()
    assert list(dict.fromkeys(got)) == list(range(5))
    assert {type(each) for each in told} == {PublisherLost, PublisherBack}


async def test_what_is_published_twice_is_kept_once(nats_url):
    got = []

    async def keep(delivery):
        got.append(delivery.envelope.data)
        return Done()

    envelope = Envelope(topic="counted", key="a", data=b"1")
    async with Nats(settings(nats_url)) as broker:
        await broker.publish([envelope])
        await broker.publish([envelope, Envelope(topic="counted", key="a", data=b"2")])
        subscription = await broker.subscribe("counted", group="test", receive=keep)
        await until(lambda: b"2" in got)
        await subscription.close()
    assert got == [b"1", b"2"]


async def test_an_event_that_is_too_large_is_told_from_a_server_that_is_away(nats_url):
    async with Nats(settings(nats_url)) as broker:
        large = Envelope(topic="counted", key="a", data=bytes(2**21))
        behind = Envelope(topic="counted", key="a", data=b"2")
        other = Envelope(topic="counted", key="b", data=b"3")
        with pytest.raises(Unpublished) as failed:
            await broker.publish([large, behind, other])
        codes = {each: error.code for each, error in failed.value.failures.items()}
        assert codes == {large.id: Code.INVALID_ARGUMENT, behind.id: Code.UNAVAILABLE}


async def test_a_stream_with_another_number_of_partitions_is_refused(nats_url):
    async with Nats(NatsSettings(url=nats_url, partitions=4)):
        pass
    with pytest.raises(BuildFailed, match="has 4 partitions, and the settings say 8"):
        async with Nats(NatsSettings(url=nats_url, partitions=8)):
            pass


async def test_a_service_that_can_do_without_its_broker_stays_ready(nats_url, nats_server):
    async with Nats(NatsSettings(url=nats_url, partitions=1)) as broker:
        await asyncio.to_thread(nats_server.kill)
        await until(lambda: not broker.statistics().connected)
        await broker.ping()
        await asyncio.to_thread(nats_server.start)


async def test_where_no_server_is_opening_says_so():
    with pytest.raises(BuildFailed, match=r"NATS at 127\.0\.0\.1:1 cannot be reached"):
        async with Nats(NatsSettings(url="nats://someone:secret@127.0.0.1:1", connect_timeout=0.3)):
            pass
