"""What msgspec, the second pass and the JSON Schema say of the same JSON agrees, whatever the type and value."""

import contextlib
import datetime as dt
import json
import typing
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Generic, Literal, NewType, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from hardy.core import Fault, InvalidMessage, Malformed
from hardy.schema import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf, Pattern, codec, json_schemas
from hardy.schema._collect import Collector

T = TypeVar("T")
UserId = NewType("UserId", int)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 9


@dataclass(frozen=True)
class Item:
    sku: Annotated[str, MinLen(2), MaxLen(4), Pattern("^[a-z]+$")]
    quantity: Annotated[int, Ge(1)]
    price: Decimal = Decimal(1)


@dataclass(slots=True, kw_only=True)
class Order:
    order_id: UUID
    placed_at: dt.datetime
    items: Annotated[list[Item], MinLen(1)]
    colour: Colour = Colour.RED
    note: str | None = None
    labels: dict[str, int] = field(default_factory=dict)


@dataclass
class Tree:
    value: int
    children: "list[Tree]" = field(default_factory=list)


@dataclass
class Page(Generic[T]):
    items: list[T]
    next_page: "Page[T] | None" = None


@dataclass
class Span:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


class Circle(msgspec.Struct, tag="circle", frozen=True):
    radius: Annotated[float, Gt(0)]


class Square(msgspec.Struct, tag="square", frozen=True, rename="camel"):
    side_length: Annotated[float, Lt(10)] = 1.0


class Numbered(msgspec.Struct, tag=1, tag_field="kind"):
    inner: "Circle | Square | Numbered2 | None" = None


class Numbered2(msgspec.Struct, tag="n2"):
    deep: int


class Loose(TypedDict):
    name: str
    age: NotRequired[Annotated[int, Le(150)]]


@attrs.define
class Attrs:
    low: int = attrs.field(validator=attrs.validators.ge(3))
    high: float = 2.0


SCALARS = [
    bool, int, float, str, bytes, Decimal, UUID, dt.date, dt.time, dt.datetime, dt.timedelta, type(None), UserId, object,
    Colour, Level, Literal["a", "b"], Literal[1, 2], Literal["a", None],  # noqa: PYI061  # both ways of writing it
    Annotated[int, Ge(1), Le(5)], Annotated[int, Gt(1), Lt(5)], Annotated[int, MultipleOf(3)], Annotated[int, Ge(-5)],
    Annotated[float, Ge(0.5), Le(2)], Annotated[float, MultipleOf(0.5)], Annotated[str, MinLen(1)],
    Annotated[str, MaxLen(3), Pattern("[ab]")], Annotated[bytes, MinLen(1), MaxLen(2)],
    Annotated[dt.datetime, msgspec.Meta(tz=True)],
]  # fmt: skip
TYPES = [
    *SCALARS,
    list[int], list[str | None], set[int], frozenset[str], tuple[int, ...], tuple[int, str], list[list[float]], list, dict,
    Annotated[list[int], MinLen(1), MaxLen(2)], Annotated[set[int], MinLen(2), MaxLen(2)], Annotated[dict[str, int], MinLen(1)],
    dict[str, float], dict[int, str], dict[UUID, int], dict[dt.date, int], dict[Colour, int], dict[Literal["a", "b"], int],
    dict[Annotated[str, MinLen(2)], int], dict[str, list[Item]], dict[dt.datetime, int], dict[Level, int],
    int | None, Annotated[int, Ge(1)] | None, dt.datetime | None,
    Item, Order, Tree, Page[Item], Page[int], Span, Circle, Square, Circle | Square, Circle | Square | None, Numbered,
    list[Circle | Square], Loose, list[Loose], Attrs, set[Item], dict[str, Span], dict[str, object],
]  # fmt: skip
IDS = [str(each).replace("typing.", "").replace("test_properties.", "") for each in TYPES]

texts = st.sampled_from(
    ["", "a", "b", "ab", "red", "blue", "circle", "square", "n2", "null", "true", "1", "1.5", "-7", "inf", "nan", "YWI=", "YQ=",
     "2020-01-31", "2020-02-31", "2020-01-31T10:00:00", "2020-01-31T10:00:00Z", "2020-01-31T10:00:00.123456+05:30", "10:00:00",
     "25:00:00", "P1D", "PT1H", "P1Y", "-PT0.5S", "d1b9b1f5-6f0c-4dd0-9c3c-6d3a3e7f0f6e", "9" * 30, "1e5", "ä", "😀"]
) | st.text(max_size=5)  # fmt: skip
numbers = (
    st.integers(-10, 10)
    | st.integers()
    | st.sampled_from([2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 2**64, 10**30, 10**308, 0.5, 1.0, -0.0, 1e300, 1.5e-7])
    | st.floats(allow_nan=False, allow_infinity=False)
)
leaves = st.none() | st.booleans() | numbers | texts
names = texts | st.sampled_from(
    [
        "sku",
        "quantity",
        "price",
        "order_id",
        "placed_at",
        "items",
        "value",
        "children",
        "low",
        "high",
        "type",
        "kind",
        "name",
    ]
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)


def near(shape, depth=0) -> st.SearchStrategy:
    """JSON that mostly fits *shape* and sometimes does not."""
    from hardy.schema import _shapes as s

    if depth > 3:
        return anything
    match shape:
        case s.Scalar():
            right = RIGHT[shape.python]
        case s.Choice():
            right = st.sampled_from([each.value if isinstance(each, Enum) else each for each in shape.values])
        case s.Many():
            right = st.lists(near(shape.item, depth + 1), max_size=3)
        case s.Row():
            right = st.tuples(*[near(each, depth + 1) for each in shape.items]).map(list)
        case s.Mapping():
            right = st.dictionaries(near_key(shape.key), near(shape.value, depth + 1), max_size=3)
        case s.Nullable():
            right = st.none() | near(shape.inner, depth + 1)
        case s.Record():
            right = record(shape, depth)
        case s.OneOf():
            right = st.one_of([record(each, depth) for each in shape.cases.values()])
        case _:
            right = anything
    return st.integers(0, 11).flatmap(lambda dice: anything if dice == 0 else right)


def near_key(shape) -> st.SearchStrategy:
    if hasattr(shape, "values"):
        return st.sampled_from([str(each.value if isinstance(each, Enum) else each) for each in shape.values]) | names
    return RIGHT[shape.python].map(str) | names


def record(shape, depth) -> st.SearchStrategy:
    parts = {member.wire: near(member.shape, depth + 1) for member in shape.members}
    if shape.tag:
        parts[shape.tag[0]] = st.just(shape.tag[1])
    required = {
        name: parts[name] for name in parts if not any(m.wire == name and not m.field.required for m in shape.members)
    }
    optional = {name: parts[name] for name in parts if name not in required}
    whole = st.fixed_dictionaries(required, optional=optional)
    return whole | whole | whole | st.fixed_dictionaries({}, optional=parts)


RIGHT = {
    bool: st.booleans(),
    int: st.integers(-10, 10) | st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, 2.5, 0.5]),
    str: texts,
    bytes: st.sampled_from(["", "YQ==", "YWI=", "YWJj"]),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.sampled_from(["NaN", "Infinity", "1e9", ".5", "5."]),
    UUID: st.uuids().map(str),
    dt.date: st.dates().map(str),
    dt.time: st.times().map(dt.time.isoformat),
    dt.datetime: st.datetimes(timezones=st.none() | st.just(dt.UTC)).map(dt.datetime.isoformat),
    dt.timedelta: st.timedeltas().map(lambda value: json.loads(msgspec.json.encode(value))),
    type(None): st.none(),
}


def verdicts(made, data: bytes) -> tuple[bool, list]:
    """Whether msgspec with the guard takes *data*, and what the second pass finds."""
    try:
        value = made._decode(data)
        taken = made._sound is None or made._sound(value)
    except (ValueError, RecursionError):
        taken = False
    return taken, Collector(made._rename).collect(made.shape, json.loads(data))


CODECS: dict = {}


def codec_of(type_, json_case="snake"):
    """A codec and the strategy for it; both are dear to make."""
    if (type_, json_case) not in CODECS:
        made = codec(type_, json_case=json_case)
        CODECS[type_, json_case] = made, near(made.shape)
    return CODECS[type_, json_case]


def agree(type_, data):
    made, strategy = codec_of(type_)
    text = json.dumps(data.draw(strategy)).encode()
    taken, faults = verdicts(made, text)
    assert taken == (not faults), (text, faults)


def fit_the_schema(type_, data):
    made, strategy = codec_of(type_)
    try:
        value = made.decode(json.dumps(data.draw(strategy)).encode())
    except InvalidMessage:
        return
    (schema,), components = json_schemas([type_], ref="#/$defs/{name}")
    written = json.loads(made.encode(value))
    jsonschema.validate(written, {**schema, "$defs": components}, cls=jsonschema.Draft202012Validator)
    assert made.decode(made.encode(value)) == value


def come_back_renamed(type_, data):
    snake, _ = codec_of(type_)
    camel, strategy = codec_of(type_, "camel")
    try:
        value = camel.decode(json.dumps(data.draw(strategy)).encode())
    except InvalidMessage:
        return
    assert camel.decode(camel.encode(value)) == value
    assert snake.decode(snake.encode(value)) == value
    assert camel.validate(value) == value


def outcome(function, argument):
    """What comes of a call: a value, or its faults."""
    try:
        return function(argument)
    except InvalidMessage as error:
        return error.faults


def be_alike_as_json_and_as_values(type_, data):
    made, strategy = codec_of(type_)
    raw = data.draw(strategy)
    first, second = outcome(made.decode, json.dumps(raw).encode()), outcome(made.convert, raw)
    assert first == second
    if not isinstance(first, tuple) or not all(isinstance(each, Fault) for each in first) or not first:
        assert made.validate(first) == first


PROPERTIES = [agree, fit_the_schema, come_back_renamed, be_alike_as_json_and_as_values]
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("holds", PROPERTIES)
def test_messages_of_any_type(holds):
    settings(max_examples=300, **QUIET)(given(st.sampled_from(TYPES), st.data())(holds))()


@pytest.mark.slow
@pytest.mark.parametrize("type_", TYPES, ids=IDS)
@pytest.mark.parametrize("holds", PROPERTIES)
def test_many_messages_of_each_type(holds, type_):
    settings(max_examples=200, **QUIET)(given(st.just(type_), st.data())(holds))()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"sku":"ab"}\x00')
def test_whatever_bytes_arrive_the_answer_is_a_value_or_an_error_of_the_caller(data):
    for type_ in (Order, object, dict[str, object], Circle | Square, Tree):
        with contextlib.suppress(Malformed, InvalidMessage):
            codec_of(type_)[0].decode(data)


def test_the_table_of_types_covers_every_kind_of_shape():
    from hardy.schema import _shapes

    kinds = {type(each) for type_ in TYPES for each in _shapes.reachable(codec_of(type_)[0].shape)}
    assert kinds == set(typing.get_args(_shapes.Shape))
