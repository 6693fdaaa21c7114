"""Events all the way: published in a transaction, relayed, consumed by a use case with an inbox."""

import asyncio
import sys
from dataclasses import dataclass, replace
from typing import Annotated

import pytest

from hardy import App, Call, Events, FailedPrecondition, Ge, Principal, Unavailable, internal, public
from hardy.adapters.sql import Session
from hardy.adapters.sql.outbox import Inbox, Outbox
from hardy.app import Assembly, Service
from hardy.messaging import CALL_ID, Envelope, MemoryBroker, Retry
from hardy.testing import client
from hardy.transport import events

QUICK = Retry(first=0.0, attempts=3, jitter=lambda: 1.0)
PLACED = events.topic("orders.placed", key="order_id", retry=QUICK)


@dataclass(frozen=True, kw_only=True)
class OrderPlaced:
    order_id: Annotated[int, Ge(1)]
    buyer: str


async def place_order(order_id: int, buyer: str, *, session: Session, events: Events) -> None:
    """Write an order and tell that it was placed."""
    await session.execute("insert into orders (id, buyer) values (:id, :buyer)", id=order_id, buyer=buyer)
    await events.publish(OrderPlaced(order_id=order_id, buyer=buyer))
    if buyer == "nobody":
        raise FailedPrecondition("nobody buys nothing")


class Script:
    """What the consumer does besides its work, and what it has seen."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Principal | None, str]] = []
        self.fail: list[Exception] = []


async def project_order(event: OrderPlaced, *, session: Session, call: Call, script: Script) -> None:
    """Count the order."""
    await session.execute("insert into effects (n, id) values (:n, :buyer)", n=event.order_id, buyer=event.buyer)
    script.seen.append((event.order_id, call.principal, call.id))
    if script.fail:
        raise script.fail.pop(0)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def app(database, broker, script) -> App:
    app = App("orders")
    app.manage(database(managed=True))
    app.manage(broker)
    app.manage(Outbox({OrderPlaced: PLACED}))
    app.manage(Inbox())

    def provide_script() -> Script:
        return script

    app.provide(provide_script)
    app.expose(place_order, allow=public)
    app.expose(project_order, PLACED, allow=internal)
    return app


async def effects(app: App) -> list[int]:
    async with app.components[0].transaction() as session:
        return await session.all(int, "select n from effects order by n")


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_an_order_that_is_placed_is_projected(app, script, broker):
    async with client(app) as caller:
        await caller.call(place_order, 1, "ann")
        await until(lambda: script.seen)
        await broker.idle()
        [(order, principal, _)] = script.seen
        assert order == 1
        assert principal == Principal("topic:orders.placed", kind="service")
        assert await effects(app) == [1]


async def test_a_call_that_fails_publishes_nothing(app, script, broker):
    async with client(app) as caller:
        with pytest.raises(FailedPrecondition):
            await caller.call(place_order, 1, "nobody")
        await caller.call(place_order, 2, "ann")
        await until(lambda: script.seen)
        await broker.idle()
        assert [order for order, *_ in script.seen] == [2]


async def test_an_event_that_fails_is_tried_again_and_its_effects_happen_once(app, script, broker):
    script.fail = [Unavailable("not now"), RuntimeError("a defect")]
    async with client(app) as caller:
        await caller.call(place_order, 1, "ann")
        await until(lambda: len(script.seen) == 3)
        await broker.idle()
        assert await effects(app) == [1]


async def test_an_event_that_always_fails_is_a_dead_letter_and_replayed_when_told_to(app, script, broker):
    script.fail = [FailedPrecondition("closed")] * 3
    async with client(app) as caller:
        await caller.call(place_order, 1, "ann")
        await until(lambda: broker.statistics().dead)
        [letter] = await broker.dead_letters()
        assert letter.reason == "FAILED_PRECONDITION: closed"
        assert (letter.group, letter.attempts, letter.key) == ("orders.project_order", 3, "1")
        assert await effects(app) == []
        assert await broker.replay(letter.id) == 1
        await until(lambda: len(script.seen) == 4)
        await broker.idle()
        assert await effects(app) == [1]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b'{"order_id": 0, "buyer": "ann"}', b'{"buyer": "ann"}', b"\xff"],
    ids=["broken", "another-type", "breaks-a-rule", "incomplete", "no-text"],
)
async def test_an_event_that_cannot_be_read_is_a_dead_letter_at_once(app, script, broker, data):
    async with client(app):
        await broker.publish([Envelope(topic="orders.placed", key="1", data=data)])
        await until(lambda: broker.statistics().dead)
        [letter] = await broker.dead_letters()
        assert letter.reason.startswith("INVALID_ARGUMENT")
        assert letter.attempts == 1
        assert script.seen == []


async def test_an_event_that_is_delivered_twice_has_its_effects_once(app, script, broker):
    envelope = Envelope(topic="orders.placed", key="7", data=b'{"order_id": 7, "buyer": "ann"}')
    twin = replace(envelope, key="8")  # another lane, so that both are dealt with at the same time
    async with client(app):
        await broker.publish([envelope, envelope, twin])
        await until(lambda: script.seen)
        await broker.idle()
        assert await effects(app) == [7]
        assert len(script.seen) == 1


async def test_the_call_of_a_consumer_goes_by_the_id_of_the_call_that_published(app, script, broker):
    headers = {CALL_ID: "cafe", "traceparent": "00-1-2-01"}
    async with client(app):
        envelope = Envelope(topic="orders.placed", data=b'{"order_id": 7, "buyer": "ann"}', headers=headers)
        await broker.publish([envelope])
        await until(lambda: script.seen)
        assert script.seen[0][2] == "cafe"


async def test_a_shutdown_lets_what_was_taken_be_finished_and_takes_nothing_new(app, script, broker):
    entered, let_go = asyncio.Event(), asyncio.Event()

    async def wait(call, proceed):
        if call.operation.name == "project_order":
            entered.set()
            await let_go.wait()
        return await proceed(call)

    app.use(wait)
    data = b'{"order_id": 1, "buyer": "ann"}'
    async with Service(Assembly(app, log=sys.stderr)) as service:
        await broker.publish([Envelope(topic="orders.placed", key="1", data=data)])
        await entered.wait()
        shutdown = asyncio.create_task(service.shutdown().run())
        await broker.publish([Envelope(topic="orders.placed", key="1", data=data)])
        let_go.set()
        await shutdown
        assert broker.statistics().waiting == 1
        assert await effects(app) == [1]
