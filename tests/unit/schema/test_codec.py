"""The message rules, alike for every family."""

import datetime as dt
import json
import math
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Generic, Literal, NewType, NotRequired, Optional, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from hardy.core import BuildFailed, InvalidMessage, Malformed
from hardy.schema import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf, Pattern, codec

T = TypeVar("T")
Sku = NewType("Sku", str)


@dataclass
class OfDataclass:
    sku: str
    quantity: Annotated[int, Ge(1)] = 1


class OfStruct(msgspec.Struct):
    sku: str
    quantity: Annotated[int, Ge(1)] = 1


class OfTypedDict(TypedDict):
    sku: str
    quantity: NotRequired[Annotated[int, Ge(1)]]


@attrs.define
class OfAttrs:
    sku: str
    quantity: Annotated[int, Ge(1)] = 1


class OfPydantic(pydantic.BaseModel):
    sku: str
    quantity: int = pydantic.Field(1, ge=1)


families = pytest.mark.parametrize("cls", [OfDataclass, OfStruct, OfTypedDict, OfAttrs, OfPydantic])


def faults(type_, data, **options):
    with pytest.raises(InvalidMessage) as caught:
        codec(type_, **options).decode(data)
    return [(each.pointer, each.detail) for each in caught.value.faults]


@families
def test_every_family_decodes_and_encodes(cls):
    made = codec(cls)
    value = made.decode(b'{"sku": "tea", "quantity": 2}')
    assert value == cls(sku="tea", quantity=2)
    assert json.loads(made.encode(value)) == {"sku": "tea", "quantity": 2}
    assert made.to_builtins(value) == {"sku": "tea", "quantity": 2}
    assert made.validate(value) == value


@families
def test_every_fault_is_told_in_the_same_words(cls):
    assert faults(cls, b'{"quantity": 0}') == [("/sku", "is missing"), ("/quantity", "must be at least 1")]
    assert faults(cls, b'{"sku": 1, "quantity": 1.5}') == [
        ("/sku", "must be text"),
        ("/quantity", "must be a whole number"),
    ]


@families
def test_unknown_members_are_ignored(cls):
    assert codec(cls).decode(b'{"sku": "tea", "more": {"x": [1, 2]}}') == cls(
        sku="tea", **({} if cls is OfTypedDict else {"quantity": 1})
    )


@families
def test_the_last_of_two_members_wins_even_when_the_first_is_wrong(cls):
    assert codec(cls).decode(b'{"sku": "a", "sku": "b", "quantity": 0, "quantity": 5}') == cls(sku="b", quantity=5)
    assert faults(cls, b'{"sku": "a", "quantity": 5, "quantity": 0}') == [("/quantity", "must be at least 1")]


@families
def test_whole_numbers_are_of_64_bits(cls):
    assert codec(cls).decode(b'{"sku": "", "quantity": 9223372036854775807}') == cls(sku="", quantity=2**63 - 1)
    text = "must be from -9223372036854775808 to 9223372036854775807"
    assert faults(cls, b'{"sku": "", "quantity": 9223372036854775808}') == [("/quantity", text)]


@families
def test_a_list_of_messages_tells_each_by_its_index(cls):
    assert faults(list[cls], b'[{"sku": "a"}, {"sku": "a", "quantity": 0}, 3]') == [
        ("/1/quantity", "must be at least 1"),
        ("/2", "must be an object"),
    ]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


WORDING = {
    "a whole number": (int, b'"1"', "must be a whole number"),
    "a whole number with a fraction": (int, b"1.0", "must be a whole number, written without a fraction or exponent"),
    "a whole number too long to read": (int, b"9" * 5000, "must be from -9223372036854775808 to 9223372036854775807"),
    "a boolean is no number": (int, b"true", "must be a whole number"),
    "a number": (float, b'"1"', "must be a number"),
    "a number beyond floats": (float, b"1e999", "must be a number that a 64-bit float can hold"),
    "true or false": (bool, b"1", "must be true or false"),
    "text": (str, b"1", "must be text"),
    "null": (str, b"null", "must not be null"),
    "nothing but null": (None, b"1", "must be null"),
    "base64": (bytes, b'"a"', "must be text in base64"),
    "a UUID": (UUID, b'"1"', "must be a UUID"),
    "a decimal": (Decimal, b'"x"', 'must be a decimal number in text, such as "9.99"'),
    "a decimal that is no number": (Decimal, b'"NaN"', "must be a finite number"),
    "a date": (dt.date, b'"2024-02-31"', "must be a date, such as 2024-12-31"),
    "a time": (dt.time, b'"25:00"', "must be a time of day, such as 23:59:59"),
    "a moment": (dt.datetime, b'"soon"', "must be a date and time, such as 2024-12-31T23:59:59Z"),
    "a moment without an offset": (
        dt.datetime,
        b'"2024-12-31T23:59:59"',
        "must have an offset from UTC, such as 2024-12-31T23:59:59Z",
    ),
    "a duration": (dt.timedelta, b"5", "must be a duration in ISO 8601, such as PT1H30M"),
    "an enum": (Colour, b'"green"', "must be one of red, blue"),
    "a literal": (Literal["asc", "desc"], b'"up"', "must be one of asc, desc"),
    "a literal of one": (Literal["on"], b'"off"', "must be on"),
    "a list": (list[int], b"{}", "must be a list"),
    "an object": (dict[str, int], b"[]", "must be an object"),
    "a row": (tuple[int, str], b"[1]", "must be a list of 2 items"),
    "at least": (Annotated[int, Ge(1)], b"0", "must be at least 1"),
    "greater": (Annotated[float, Gt(1)], b"1", "must be greater than 1"),
    "at most": (Annotated[int, Le(1)], b"2", "must be at most 1"),
    "less": (Annotated[int, Lt(1)], b"1", "must be less than 1"),
    "a multiple": (Annotated[int, MultipleOf(5)], b"7", "must be a multiple of 5"),
    "not empty": (Annotated[str, MinLen(1)], b'""', "must not be empty"),
    "long enough": (Annotated[str, MinLen(3)], b'"ab"', "must have at least 3 characters"),
    "short enough": (Annotated[list[int], MaxLen(1)], b"[1,2]", "must have at most 1 item"),
    "few bytes": (Annotated[bytes, MaxLen(1)], b'"YWI="', "must have at most 1 byte"),
    "a pattern": (Annotated[str, Pattern("^[a-z]+$")], b'"A"', "must match the pattern ^[a-z]+$"),
}


@pytest.mark.parametrize(("type_", "data", "detail"), WORDING.values(), ids=WORDING)
def test_faults_are_worded_for_callers(type_, data, detail):
    assert faults(type_, data) == [("", detail)]


def test_all_broken_limits_of_one_value_are_told():
    type_ = Annotated[str, MinLen(3), Pattern("^[a-z]+$")]
    assert [detail for _, detail in faults(type_, b'"A"')] == [
        "must have at least 3 characters",
        "must match the pattern ^[a-z]+$",
    ]


def test_pointers_escape_what_rfc_6901_says():
    assert faults(dict[str, int], b'{"a/b": "x", "c~d": "y"}') == [
        ("/a~1b", "must be a whole number"),
        ("/c~0d", "must be a whole number"),
    ]


def test_at_most_a_hundred_faults_are_told():
    assert len(faults(list[int], b'["x"' + b',"x"' * 5000 + b"]")) == 100


def test_a_wrong_key_is_told_where_it_is():
    assert faults(dict[int, str], b'{"1": "a", "x": "b"}') == [("/x", "must be a whole number")]
    assert faults(dict[Annotated[str, MinLen(2)], int], b'{"a": 1}') == [("/a", "must have at least 2 characters")]


VALUES = {
    "duration": (dt.timedelta, dt.timedelta(hours=1, milliseconds=500), b'"PT3600.5S"'),
    "bytes": (bytes, b"\xff\xfe", b'"//4="'),
    "decimal": (Decimal, Decimal("9.90"), b'"9.90"'),
    "uuid": (UUID, UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    "moment": (dt.datetime, dt.datetime(2024, 1, 2, tzinfo=dt.UTC), b'"2024-01-02T00:00:00Z"'),
    "date": (dt.date, dt.date(2024, 1, 2), b'"2024-01-02"'),
    "time": (dt.time, dt.time(10, 30), b'"10:30:00"'),
    "enum": (Colour, Colour.BLUE, b'"blue"'),
    "newtype": (Sku, Sku("tea"), b'"tea"'),
    "none": (None, None, b"null"),
    "set": (frozenset[int], frozenset({1}), b"[1]"),
    "tuple": (tuple[int, str], (1, "a"), b'[1,"a"]'),
    "map by uuid": (dict[UUID, int], {UUID(int=1): 1}, b'{"00000000-0000-0000-0000-000000000001":1}'),
    "map by int": (dict[int, str], {1: "a"}, b'{"1":"a"}'),
    "minus nought": (int, 0, b"0"),
}


@pytest.mark.parametrize(("type_", "value", "data"), VALUES.values(), ids=VALUES)
def test_values_have_one_form_in_json(type_, value, data):
    made = codec(type_)
    assert made.encode(value) == data
    assert made.decode(data) == value
    assert made.validate(value) == value
    nullable = codec(Optional[type_])  # noqa: UP045  # of what is no class
    assert nullable.decode(b"null") is None


def test_minus_nought_is_nought():
    assert codec(int).decode(b"-0") == 0


@dataclass
class Page(Generic[T]):
    items: list[T]
    next_page: "Page[T] | None" = None


def test_a_generic_class_is_checked_by_its_parameters_all_the_way_down():
    data = b'{"items": [], "next_page": {"items": [{"sku": "a"}, {"sku": 1}]}}'
    assert faults(Page[OfDataclass], data) == [("/next_page/items/1/sku", "must be text")]


class Card(msgspec.Struct, tag="card"):
    number: Annotated[str, MinLen(4)]


class Invoice(msgspec.Struct, tag="invoice"):
    due: dt.date


class Payment(msgspec.Struct):
    by: Card | Invoice


UNIONS = {
    "no tag": (b'{"by": {"number": "1"}}', [("/by/type", "is missing")]),
    "a strange tag": (b'{"by": {"type": "cash"}}', [("/by/type", "must be one of card, invoice")]),
    "a tag of another kind": (b'{"by": {"type": [1]}}', [("/by/type", "must be one of card, invoice")]),
    "a fault inside": (b'{"by": {"number": "1", "type": "card"}}', [("/by/number", "must have at least 4 characters")]),
    "no object": (b'{"by": 3}', [("/by", "must be an object")]),
}


@pytest.mark.parametrize(("data", "told"), UNIONS.values(), ids=UNIONS)
def test_a_union_is_told_apart_by_its_tag(data, told):
    assert faults(Payment, data) == told


def test_the_last_tag_wins_as_any_member_does():
    data = b'{"by": {"type": "card", "type": "invoice", "due": "2024-01-01"}}'
    assert codec(Payment).decode(data) == Payment(Invoice(dt.date(2024, 1, 1)))


@dataclass
class Span:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        if self.high == 13:
            raise LookupError("a defect of the user's")


def test_what_a_class_itself_refuses_is_a_fault_of_its_object():
    assert faults(list[Span], b'[{"low": 1, "high": 2}, {"low": 3, "high": 2}, {"low": 1}]') == [
        ("/1", "low must not be above high"),
        ("/2/high", "is missing"),
    ]


def test_a_defect_in_the_users_class_is_not_blamed_on_the_caller():
    with pytest.raises(LookupError):
        codec(Span).decode(b'{"low": 1, "high": 13}')


@attrs.define
class Bounded:
    low: int = attrs.field(validator=attrs.validators.ge(3))
    high: int = 9


def test_a_validator_of_attrs_is_a_fault_of_its_field():
    assert faults(list[Bounded], b'[{"low": 1}]') == [("/0/low", "'low' must be >= 3: 1")]


@dataclass
class Shipment:
    order_id: int
    sent_items: list[OfDataclass] = field(default_factory=list)
    by_date: dict[str, Card] = field(default_factory=dict)


def test_camel_case_renames_every_member_and_no_key_of_a_map():
    made = codec(Shipment, json_case="camel")
    value = Shipment(1, [OfDataclass("tea")], {"some_day": Card("1234")})
    data = made.encode(value)
    assert data == (
        b'{"orderId":1,"sentItems":[{"sku":"tea","quantity":1}],"byDate":{"some_day":{"type":"card","number":"1234"}}}'
    )
    assert made.decode(data) == value
    assert made.validate(value) == value
    assert made.to_builtins(value)["orderId"] == 1
    assert faults(Shipment, b'{"order_id": 1, "sentItems": [{}]}', json_case="camel") == [
        ("/orderId", "is missing"),
        ("/sentItems/0/sku", "is missing"),
    ]


@families
def test_camel_case_holds_for_every_family(cls):
    made = codec(Page[cls], json_case="camel")
    assert made.decode(b'{"items": [], "nextPage": {"items": [{"sku": "a"}]}}').next_page.items


class TestLax:
    """What a path or a query can say is text."""

    @dataclass
    class Query:
        limit: Annotated[int, Ge(1)] = 10
        ratio: float = 1.0
        deep: bool = False
        since: dt.datetime | None = None
        order_id: UUID | None = None
        colours: list[Colour] = field(default_factory=list)
        sku: str | None = None

    def test_text_stands_for_numbers_booleans_and_null(self):
        made = codec(self.Query).convert(
            {"limit": "5", "ratio": "0.5", "deep": "true", "since": "null", "colours": ["red"], "sku": "7"}, lax=True
        )
        assert made == self.Query(5, 0.5, True, None, None, [Colour.RED], "7")

    def test_every_fault_is_told(self):
        raw = {"limit": "0", "ratio": "inf", "deep": "maybe", "since": "20240101", "order_id": "x", "colours": ["pink"]}
        with pytest.raises(InvalidMessage) as caught:
            codec(self.Query).convert(raw, lax=True)
        assert [(each.pointer, each.detail) for each in caught.value.faults] == [
            ("/limit", "must be at least 1"),
            ("/ratio", "must be a finite number"),
            ("/deep", "must be true or false"),
            ("/since", "must be a date and time, such as 2024-12-31T23:59:59Z"),
            ("/order_id", "must be a UUID"),
            ("/colours/0", "must be one of red, blue"),
        ]

    def test_without_it_text_stays_text(self):
        with pytest.raises(InvalidMessage):
            codec(self.Query).convert({"limit": "5"})


@dataclass
class Everything:
    text: str = ""
    number: float = 0.0
    count: int = 0
    at: dt.datetime = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    price: Decimal = Decimal(1)
    more: object = None
    limited: Annotated[list[int], MaxLen(1)] = field(default_factory=list)


MADE = {
    "half a surrogate pair": ({"text": "\ud800"}, ("/text", "must not hold half of a surrogate pair")),
    "not a number": ({"number": math.nan}, ("/number", "must be a finite number")),
    "infinite": ({"number": math.inf}, ("/number", "must be a finite number")),
    "beyond 64 bits": ({"count": 2**63}, ("/count", "must be from -9223372036854775808 to 9223372036854775807")),
    "naive": ({"at": dt.datetime(2024, 1, 1)}, ("/at", "must have an offset from UTC, such as 2024-12-31T23:59:59Z")),
    "no decimal": ({"price": Decimal("NaN")}, ("/price", "must be a finite number")),
    "of the wrong type": ({"count": "3"}, ("/count", "must be a whole number")),
    "of no JSON type": ({"text": object()}, ("/text", "must be text")),
    "of no JSON type where anything goes": ({"more": {"a": [object()]}}, ("/more/a/0", "must be a finite number")),
    "too long": ({"limited": [1, 2]}, ("/limited", "must have at most 1 item")),
}


@pytest.mark.parametrize(("members", "fault"), MADE.values(), ids=MADE)
def test_values_made_by_code_obey_the_same_rules(members, fault):
    with pytest.raises(InvalidMessage) as caught:
        codec(Everything).validate(Everything(**members))
    assert [(each.pointer, each.detail) for each in caught.value.faults] == [fault]


def test_a_value_of_another_class_is_refused_by_name():
    with pytest.raises(InvalidMessage) as caught:
        codec(Everything).validate(OfDataclass("a"))
    assert str(caught.value) == "must be a Everything, not a OfDataclass"


def test_a_valid_value_comes_out_as_from_a_wire():
    value = Everything(more={"at": dt.date(2024, 1, 1)})
    assert codec(Everything).validate(value).more == {"at": "2024-01-01"}


def test_a_value_that_holds_itself_is_refused():
    tree = Page([])
    tree.next_page = tree
    with pytest.raises(InvalidMessage) as caught:
        codec(Page[int]).validate(tree)
    assert caught.value.faults[0].detail == "is nested too deeply"
    with pytest.raises(ValueError) as refused:
        codec(Page[int]).encode(tree)
    assert "holds itself" in str(refused.value)


NOT_JSON = {
    "half a surrogate pair": ({"text": "\ud800"}, ValueError),
    "not a number": ({"number": math.nan}, ValueError),
    "infinite": ({"number": -math.inf}, ValueError),
    "not a number where anything goes": ({"more": [math.nan]}, ValueError),
    "no JSON type": ({"text": object()}, TypeError),
}


@pytest.mark.parametrize(("members", "error"), NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("json_case", ["snake", "camel"])
def test_a_reply_that_json_cannot_carry_is_not_encoded(members, error, json_case):
    with pytest.raises(error):
        codec(Everything, json_case=json_case).encode(Everything(**members))


def test_a_type_that_cannot_travel_has_no_codec():
    with pytest.raises(BuildFailed) as caught:
        codec(list[complex])
    assert caught.value.diagnostics[0].code == "H0603"


@dataclass
class Patch:
    name: str | msgspec.UnsetType = msgspec.UNSET
    note: str | msgspec.UnsetType | None = msgspec.UNSET


def test_unset_tells_an_absent_member_from_null():
    made = codec(Patch)
    assert made.decode(b'{"note": null}') == Patch(note=None)
    assert made.encode(Patch(note=None)) == b'{"note":null}'
    assert made.encode(Patch()) == b"{}"
    assert faults(Patch, b'{"name": null}') == [("/name", "must not be null")]


def test_malformed_and_invalid_are_two_things():
    with pytest.raises(Malformed):
        codec(OfDataclass).decode(b"{")
    with pytest.raises(InvalidMessage):
        codec(OfDataclass).decode(b"{}")
