"""Whatever a type can say comes back as it was sent."""

from dataclasses import make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import (
    Literal,
    NotRequired,  # pydantic insists on these before Python 3.12
)
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given, settings, strategies as st
from typing_extensions import TypedDict

from hardy.schema import codec


class Colour(Enum):
    RED = "red"
    DARK_RED = "dark-red"


class Level(IntEnum):
    LOW = 10
    HIGH = 20


class Card(msgspec.Struct, tag="card"):
    number: str = ""


class Cash(msgspec.Struct, tag="cash"):
    amount: int | None = None


class Size(TypedDict):
    width: int
    height: NotRequired[int]


@attrs.define
class Weight:
    grams: int = 1


class Address(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(val_json_bytes="base64", ser_json_bytes="base64")

    street: str
    data: str | None = "?"
    since: datetime
    id: UUID
    wait: timedelta
    raw: bytes
    rent: Decimal
    colour: Colour
    sizes: list[Size]


class Tree(msgspec.Struct):
    leaf: int | None = 3
    branches: "list[Tree]" = []


integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=8)
floats = st.floats(allow_nan=False, allow_infinity=False)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)
spans = st.timedeltas(timedelta(days=-3_000_000), timedelta(days=3_000_000))
decimals = st.decimals(allow_nan=False, allow_infinity=False)
unions = st.builds(Card, texts) | st.builds(Cash, st.none() | integers)
trees = st.recursive(
    st.builds(Tree, st.none() | integers),
    lambda inner: st.builds(Tree, integers, st.lists(inner, max_size=3)),
    max_leaves=6,
)
sizes = st.fixed_dictionaries({"width": integers}, optional={"height": integers})
addresses = st.builds(
    Address, street=texts, data=st.none() | texts, since=moments, id=st.uuids(), wait=spans, raw=st.binary(max_size=5),
    rent=decimals, colour=st.sampled_from(Colour), sizes=st.lists(sizes, max_size=3),
)  # fmt: skip


def optional(values):
    return st.none() | values


def listed(values):
    return st.lists(values, max_size=4)


def mapped(keys, values):
    return st.dictionaries(keys, values, max_size=4)


TYPES = [
    pytest.param(bool, st.booleans(), id="bool"),
    pytest.param(int, integers, id="int"),
    pytest.param(float, floats, id="float"),
    pytest.param(str, texts, id="str"),
    pytest.param(bytes, st.binary(max_size=9), id="bytes"),
    pytest.param(UUID, st.uuids(), id="UUID"),
    pytest.param(Decimal, decimals, id="Decimal"),
    pytest.param(date, st.dates(), id="date"),
    pytest.param(time, st.times(), id="time"),
    pytest.param(datetime, moments, id="datetime"),
    pytest.param(timedelta, spans, id="timedelta"),
    pytest.param(Colour, st.sampled_from(Colour), id="Enum"),
    pytest.param(Level, st.sampled_from(Level), id="IntEnum"),
    pytest.param(Literal["a", "b-c", "B c"], st.sampled_from(["a", "b-c", "B c"]), id="Literal"),
    pytest.param(Card | Cash, unions, id="union"),
    pytest.param(Card, st.builds(Card, texts), id="Struct"),
    pytest.param(Size, sizes, id="TypedDict"),
    pytest.param(Weight, st.builds(Weight, integers), id="attrs"),
    pytest.param(Address, addresses, id="pydantic"),
    pytest.param(Tree, trees, id="recursive"),
    pytest.param(int | None, optional(integers), id="optional scalar"),
    pytest.param(Card | Cash | None, optional(unions), id="optional union"),
    pytest.param(list[int], listed(integers), id="list"),
    pytest.param(list[datetime], listed(moments), id="list of datetimes"),
    pytest.param(set[str], st.sets(texts, max_size=4), id="set"),
    pytest.param(frozenset[Colour], st.frozensets(st.sampled_from(Colour)), id="frozenset of enums"),
    pytest.param(tuple[Decimal, ...], listed(decimals).map(tuple), id="tuple"),
    pytest.param(tuple[int, int], st.tuples(integers, integers), id="pair"),
    pytest.param(list[str] | None, optional(listed(texts)), id="optional list"),
    pytest.param(list[int | None], listed(optional(integers)), id="list of optionals"),
    pytest.param(list[list[Level]], listed(listed(st.sampled_from(Level))), id="list of lists"),
    pytest.param(list[list[int] | None] | None, optional(listed(optional(listed(integers)))), id="null everywhere"),
    pytest.param(list[Card | Cash], listed(unions), id="list of unions"),
    pytest.param(list[Size], listed(sizes), id="list of messages"),
    pytest.param(dict[str, int], mapped(texts, integers), id="dict"),
    pytest.param(dict[int, str], mapped(integers, texts), id="dict by numbers"),
    pytest.param(dict[UUID, float], mapped(st.uuids(), floats), id="dict by UUIDs"),
    pytest.param(dict[date, bytes], mapped(st.dates(), st.binary(max_size=3)), id="dict by dates"),
    pytest.param(
        dict[Colour, Weight], mapped(st.sampled_from(Colour), st.builds(Weight, integers)), id="dict by enums"
    ),
    pytest.param(dict[Level, int], mapped(st.sampled_from(Level), integers), id="dict by int enums"),
    pytest.param(dict[str, list[int]], mapped(texts, listed(integers)), id="dict of lists"),
    pytest.param(dict[str, int | None], mapped(texts, optional(integers)), id="dict of optionals"),
    pytest.param(dict[str, dict[str, Card | Cash]], mapped(texts, mapped(texts, unions)), id="dict of dicts of unions"),
    pytest.param(dict[str, timedelta] | None, optional(mapped(texts, spans)), id="optional dict"),
]


@pytest.mark.parametrize(("annotation", "values"), TYPES)
def test_a_field_comes_back_as_it_was_sent(converter_of, annotation, values):
    message = make_dataclass("Message", [("field", annotation)])
    convert = converter_of(message)

    @settings(max_examples=25, deadline=None, database=None)
    @given(values)
    def round_trip(value):
        sent = message(value)
        assert convert.decode(convert.encode(sent)) == sent

    round_trip()


@pytest.mark.parametrize(("annotation", "values"), TYPES)
def test_proto_and_json_say_the_same(converter_of, annotation, values):
    message = make_dataclass("Message", [("field", annotation)])
    convert, json = converter_of(message), codec(message)

    @settings(max_examples=10, deadline=None, database=None)
    @given(values)
    def both_ways(value):
        sent = message(value)
        assert convert.decode(convert.encode(sent)) == json.decode(json.encode(sent))

    both_ways()
