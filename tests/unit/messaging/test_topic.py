"""A topic has a name that brokers take, and a key that the event has."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Literal, NewType, TypedDict
from uuid import UUID

import pytest

from hardy.core import Call, Metadata, Operation
from hardy.messaging import CALL_ID, Catalogue, Topic
from hardy.schema import MinLen

OrderId = NewType("OrderId", UUID)


class Size(Enum):
    SMALL = "small"


@dataclass(frozen=True)
class Placed:
    id: OrderId
    sku: Annotated[str, MinLen(1)]
    n: int
    size: Size
    day: date
    kind: Literal["a", "b"]
    maybe: str | None
    price: float
    tags: list[str]


def codes(faults) -> list[str]:
    return [each.code for each in faults]


@pytest.mark.parametrize("name", ["orders", "orders.placed", "a-b_c.d2"])
def test_names_that_brokers_take(name):
    assert Topic(name).check_name() == ()


@pytest.mark.parametrize(
    "name", ["", "Orders", "orders placed", ".orders", "orders.", "a..b", "orders.*", "orders.>", "é", "a" * 129]
)
def test_names_that_they_do_not_take(name):
    assert codes(Topic(name).check_name()) == ["H0690"]


@pytest.mark.parametrize("key", ["id", "sku", "n", "size", "day", "kind", "maybe"])
def test_fields_that_can_be_a_key(key):
    assert codes(Topic("t", key=key).check_event(Placed)) == []


@pytest.mark.parametrize("key", ["price", "tags", "nothing"])
def test_fields_that_cannot(key):
    [fault] = Topic("t", key=key).check_event(Placed)
    assert fault.code == "H0691"
    assert fault.helps[0] == 'events.topic("t", key="id")'


class Dictionary(TypedDict):
    n: int


@pytest.mark.parametrize("event", [Dictionary, int, list[int], "text"], ids=["dict", "int", "list", "no-type"])
def test_what_does_not_say_its_class_is_no_event(event):
    assert codes(Topic("t").check_event(event)) == ["H0692"]


def test_an_event_that_json_cannot_carry_is_refused():
    @dataclass
    class Odd:
        value: complex

    [fault] = Catalogue({Odd: Topic("t")}).check()
    assert "complex" in fault.title


@dataclass(frozen=True)
class Keyed:
    key: object


@pytest.mark.parametrize(
    ("value", "key"),
    [(7, "7"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (Size.SMALL, "small"), (None, None)],
    ids=["int", "uuid", "enum", "none"],
)
def test_a_key_is_a_text(value, key):
    assert Topic("t", key="key").key_of(Keyed(value)) == key


@dataclass(frozen=True)
class Said:
    text: str


async def say() -> None: ...


def test_an_envelope_carries_the_id_and_the_trace_of_its_call_and_nothing_else_of_it():
    metadata = Metadata([("traceparent", "00-1-2-01"), ("authorization", "Bearer secret")])
    call = Call(Operation.of(say), "direct", id="cafe", metadata=metadata)
    envelope = Catalogue({Said: Topic("said")}).wrap(Said("hello"), call)
    assert envelope.headers == {CALL_ID: "cafe", "traceparent": "00-1-2-01"}
    assert (envelope.topic, envelope.key, envelope.type, envelope.data) == ("said", None, "Said", b'{"text":"hello"}')


def test_no_two_events_have_one_id():
    catalogue = Catalogue({Said: Topic("said")})
    assert catalogue.wrap(Said("a")).id != catalogue.wrap(Said("a")).id
