"""What every broker promises: at least once, in order per key, to every group, and nothing given up in silence."""

import asyncio
from collections import defaultdict

import pytest

from hardy.adapters.nats import Nats, NatsSettings
from hardy.messaging import Again, Dead, Done, Envelope, MemoryBroker


@pytest.fixture(params=["memory", "nats"])
async def broker(request):
    if request.param == "memory":
        broker = MemoryBroker()
    else:
        url = request.getfixturevalue("nats_url")
        broker = Nats(NatsSettings(url=url, partitions=4, ack_wait=2, publish_timeout=20, connect_timeout=20))
    async with broker:
        yield broker


class Consumer:
    """Keeps what it is given, and answers with the verdicts it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str | None, str, int]] = []
        self.verdicts: dict[str, list] = {}
        self.busy: dict[str | None, int] = defaultdict(int)
        self.overlaps = 0
        self.most = 0

    async def __call__(self, delivery):
        envelope = delivery.envelope
        self.busy[envelope.key] += 1
        self.overlaps += self.busy[envelope.key] > 1
        self.most = max(self.most, sum(self.busy.values()))
        await asyncio.sleep(0)
        self.got.append((envelope.key, envelope.data.decode(), delivery.attempt))
        self.busy[envelope.key] -= 1
        told = self.verdicts.get(envelope.data.decode())
        verdict = told.pop(0) if told else Done()
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    @property
    def data(self) -> list[str]:
        return [data for _, data, _ in self.got]

    def of_key(self, key) -> list[str]:
        return [data for each, data, _ in self.got if each == key]

    async def has(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def subscribe(broker):
    opened = []

    async def subscribe(consumer=None, *, topic="orders.placed", group="mail", concurrency=16):
        consumer = consumer or Consumer()
        subscription = await broker.subscribe(topic, group=group, receive=consumer, concurrency=concurrency)
        opened.append(subscription)
        return consumer, subscription

    yield subscribe
    await asyncio.gather(*(each.close() for each in opened))


def events(*data: str, key="k", topic="orders.placed") -> list[Envelope]:
    return [Envelope(topic=topic, key=key, type="Said", data=each.encode(), headers={"trace": "1 2"}) for each in data]


async def test_an_event_arrives_as_it_was_published(broker, subscribe):
    seen = []

    async def keep(delivery):
        seen.append(delivery)
        return Done()

    await subscribe(keep)
    [sent] = [
        Envelope(
            topic="orders.placed", key="ключ\n%", type="Order", data=b"\x00\xff{}", headers={"x-request-id": "a b"}
        )
    ]
    await broker.publish([sent])
    async with asyncio.timeout(60):
        while not seen:
            await asyncio.sleep(0.005)
    assert seen[0].envelope == sent
    assert (seen[0].attempt, seen[0].group) == (1, "mail")


async def test_every_group_gets_every_event_and_its_members_share_them(broker, subscribe):
    mail, _ = await subscribe(group="mail")
    await subscribe(mail, group="mail")
    stock, _ = await subscribe(group="stock")
    for n in range(10):
        await broker.publish(events(f"{n}", key=f"{n}"))
    await mail.has(10)
    await stock.has(10)
    assert sorted(mail.data) == sorted(stock.data) == sorted(str(n) for n in range(10))


async def test_a_new_group_begins_with_what_is_kept(broker, subscribe):
    await broker.publish(events("1", "2"))
    consumer, _ = await subscribe()
    await consumer.has(2)
    assert consumer.data == ["1", "2"]


async def test_events_of_a_key_come_in_order_and_one_by_one(broker, subscribe):
    consumer, _ = await subscribe()
    await subscribe(consumer)
    batch = [each for n in range(15) for key in "abc" for each in events(f"{n}", key=key)]
    await broker.publish(batch)
    await consumer.has(45)
    assert {key: consumer.of_key(key) for key in "abc"} == {key: [str(n) for n in range(15)] for key in "abc"}
    assert consumer.overlaps == 0


async def test_what_is_to_come_again_comes_before_what_is_behind_it(broker, subscribe):
    consumer, _ = await subscribe()
    consumer.verdicts["1"] = [Again(), Again(0.05)]
    await broker.publish(events("1", "2"))
    await consumer.has(4)
    assert [(data, attempt) for _, data, attempt in consumer.got] == [("1", 1), ("1", 2), ("1", 3), ("2", 1)]


async def test_a_consumer_that_crashes_is_given_the_event_again(broker, subscribe):
    consumer, _ = await subscribe()
    consumer.verdicts["1"] = [RuntimeError("a defect")]
    await broker.publish(events("1", "2"))
    await consumer.has(3)
    assert consumer.data == ["1", "1", "2"]


async def test_a_dead_letter_is_put_aside_and_comes_back_when_told_to(broker, subscribe):
    mail, _ = await subscribe(group="mail")
    stock, _ = await subscribe(group="stock")
    mail.verdicts["1"] = [Again(), Dead("NOT_FOUND: no such order")]
    sent = events("1", "2")
    await broker.publish(sent)
    await mail.has(3)
    await stock.has(2)
    assert mail.data == ["1", "1", "2"]
    [letter] = await broker.dead_letters()
    assert (letter.id, letter.group, letter.attempts, letter.key) == (sent[0].id, "mail", 2, "k")
    assert (letter.reason, letter.data, letter.type) == ("NOT_FOUND: no such order", b"1", "Said")
    assert await broker.replay("another") == 0
    assert await broker.replay(letter.id) == 1
    await mail.has(4)
    assert mail.got[-1] == ("k", "1", 1)
    assert stock.data == ["1", "2"]
    assert await broker.dead_letters() == []


async def test_a_drained_subscription_finishes_what_it_has_and_takes_nothing_new(broker, subscribe):
    entered, let_go, done = asyncio.Event(), asyncio.Event(), []

    async def slow(delivery):
        entered.set()
        await let_go.wait()
        done.append(delivery.envelope.data)
        return Done()

    _, subscription = await subscribe(slow)
    await broker.publish(events("1", "2"))
    await entered.wait()
    draining = asyncio.create_task(subscription.drain())
    await asyncio.sleep(0)
    let_go.set()
    async with asyncio.timeout(60):
        await draining
    assert done == [b"1"]
    consumer, _ = await subscribe()
    await consumer.has(1)
    assert consumer.data == ["2"]


async def test_what_a_closed_subscription_had_is_given_to_another(broker, subscribe):
    entered = asyncio.Event()

    async def stuck(delivery):
        entered.set()
        await asyncio.Event().wait()

    _, subscription = await subscribe(stuck)
    await broker.publish(events("1", "2"))
    await entered.wait()
    await subscription.close()
    consumer, _ = await subscribe()
    await consumer.has(2)
    assert consumer.data == ["1", "2"]


async def test_no_more_events_than_told_are_dealt_with_at_once(broker, subscribe):
    consumer, _ = await subscribe(concurrency=2)
    for n in range(12):
        await broker.publish(events(f"{n}", key=f"{n}"))
    await consumer.has(12)
    assert consumer.most <= 2


async def test_events_of_other_topics_are_not_delivered(broker, subscribe):
    consumer, _ = await subscribe(topic="orders")
    await broker.publish([*events("1", topic="orders.placed"), *events("2", topic="orders")])
    await consumer.has(1)
    assert consumer.data == ["2"]
