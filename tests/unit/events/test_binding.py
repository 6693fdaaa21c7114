"""A topic as a binding: what is refused at build, and in which words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from hardy import App, internal
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.outbox import Outbox
from hardy.core import Operation
from hardy.messaging import MemoryBroker, Retry
from hardy.transport import events


@dataclass(frozen=True)
class OrderPlaced:
    order_id: UUID
    quantity: int
    note: str | None = None


async def take(event: OrderPlaced) -> None: ...


async def watch(event: OrderPlaced) -> AsyncIterator[int]:
    yield 1


async def collect(items: AsyncIterator[OrderPlaced]) -> None: ...


def refused(binding, use_case=take) -> list[str]:
    return [each.code for each in binding.check(Operation.of(use_case))]


@pytest.mark.parametrize(
    ("binding", "use_case", "code"),
    [
        (events.topic("Orders"), take, "H0690"),
        (events.topic("orders"), watch, "H0694"),
        (events.topic("orders"), collect, "H0694"),
        (events.topic("orders", concurrency=0), take, "H0695"),
        (events.topic("orders", retry=Retry(attempts=0)), take, "H0695"),
    ],
    ids=["name", "streams-out", "streams-in", "concurrency", "attempts"],
)
def test_what_cannot_be_bound_is_refused(binding, use_case, code):
    assert refused(binding, use_case) == [code]


def test_a_group_is_the_service_and_the_use_case_unless_it_is_said():
    operation = Operation.of(take)
    assert events.topic("orders").group_of("shop", operation) == "shop.take"
    assert events.topic("orders", group="mail").group_of("shop", operation) == "mail"


def app_with(*use_cases, topics=None, binding=None) -> App:
    app = App("shop")
    app.manage(Database(DatabaseSettings(url="sqlite:///:memory:")))
    app.manage(MemoryBroker())
    for each in topics or [{OrderPlaced: events.topic("orders", key="order_id")}]:
        app.manage(Outbox(each))
    for use_case in use_cases:
        app.expose(use_case, binding or events.topic("orders"), allow=internal)
    return app


def faults(app: App) -> dict[str, str]:
    return {each.code: each.title for each in app.check()}


@dataclass(frozen=True)
class Subset:
    order_id: str
    quantity: float


async def take_some(event: Subset) -> None: ...


async def take_one(order_id: UUID, unknown: int = 0) -> None: ...


@pytest.mark.parametrize("use_case", [take, take_some, take_one], ids=["the-event", "less-of-it", "with-a-default"])
def test_a_consumer_may_take_the_event_or_what_it_needs_of_it(use_case):
    assert faults(app_with(use_case)) == {}


@dataclass(frozen=True)
class More:
    order_id: UUID
    buyer: str


@dataclass(frozen=True)
class Other:
    order_id: int


async def take_more(event: More) -> None: ...


async def take_other(event: Other) -> None: ...


@pytest.mark.parametrize(
    ("use_case", "why"),
    [
        (take_more, "`buyer` is not in `OrderPlaced`"),
        (take_other, "`order_id` is a whole number here and a text in `OrderPlaced`"),
    ],
    ids=["missing", "another-form"],
)
def test_a_consumer_that_asks_for_what_is_not_there_is_refused(use_case, why):
    assert faults(app_with(use_case)) == {"H0693": f"`{use_case.__name__}` cannot take the events of `orders`: {why}"}


def test_two_use_cases_in_one_group_are_refused():
    app = app_with(take, take_some, binding=events.topic("orders", group="both"))
    assert faults(app) == {"H0697": "`take` and `take_some` consume `orders` as one group, `both`"}


def test_two_topics_for_one_class_are_refused():
    topics = [{OrderPlaced: events.topic("orders")}, {OrderPlaced: events.topic("mail")}]
    assert faults(app_with(topics=topics))["H0696"] == "`OrderPlaced` has two topics: `orders` and `mail`"


def test_a_topic_without_a_broker_is_refused():
    app = App("shop")
    app.expose(take, events.topic("orders"), allow=internal)
    assert [each.code for each in app.check()] == ["H0709"]


def test_an_outbox_without_its_database_is_refused():
    app = App("shop")
    app.manage(MemoryBroker())
    app.manage(Outbox({OrderPlaced: events.topic("orders")}))
    assert "H0708" in faults(app)


def test_a_wrong_key_is_told_at_build():
    app = app_with(topics=[{OrderPlaced: events.topic("orders", key="id")}])
    assert faults(app) == {"H0691": "`OrderPlaced` has no field `id`, which is to be the key of `orders`"}
