"""What messages cannot have is refused at build, by class, field and remedy."""

import datetime as dt
import enum
import fractions
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Generic, Literal, NamedTuple, TypedDict, TypeVar

import annotated_types
import attrs
import msgspec
import pydantic
import pytest

from hardy.core import Place
from hardy.schema import Ge, Lt, MinLen, Pattern, check_type

T = TypeVar("T")


class Pair(NamedTuple):
    a: int


class Email(str):
    __slots__ = ()


class Flags(enum.Flag):
    A = 1


class Mixed(enum.Enum):
    A = 1
    B = "b"


class Empty(enum.Enum):
    pass


@dataclass
class Unhashable:
    a: int


@dataclass
class Generic_(Generic[T]):
    items: list[T]


class Forbids(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class Array(msgspec.Struct, array_like=True):
    a: int


class PydanticForbids(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")


@dataclass
class LineWithMeta:
    quantity: Annotated[int, Ge(1)]


class PydanticWithLines(pydantic.BaseModel):
    lines: list[LineWithMeta]


class PydanticMetaInside(pydantic.BaseModel):
    tags: list[Annotated[str, MinLen(2)]]


class PydanticMeta(pydantic.BaseModel):
    a: Annotated[int, Ge(1)]


class PydanticOwn(pydantic.BaseModel):
    a: Annotated[int, annotated_types.Ge(1)]
    b: complex | None = None
    inner: "PydanticOwn | None" = None


class PydanticDeep(pydantic.BaseModel):
    deep: list[PydanticForbids]


@dataclass
class OutsideTime:
    a: int = field(init=False)


@dataclass
class Handed:
    a: InitVar[int]
    b: int = 0


@attrs.define
class Converted:
    a: int = attrs.field(converter=int)


class Cat(msgspec.Struct, tag="cat"):
    pass


class Dog(msgspec.Struct, tag="dog"):
    pass


class Cow(msgspec.Struct):
    pass


class Elk(msgspec.Struct, tag="elk", tag_field="kind"):
    pass


@dataclass
class Plain:
    pass


@dataclass
class Unresolved:
    a: "Nowhere"  # noqa: F821


class Foreign:
    pass


REFUSED = {
    "complex": (complex, "H0603", "is a `complex`", "`Decimal`"),
    "bytearray": (bytearray, "H0603", "is a `bytearray`", "write `bytes`"),
    "a fraction": (fractions.Fraction, "H0603", "is a `Fraction`", "`Decimal`"),
    "a class without fields": (Foreign, "H0603", "is a `Foreign`", "make `Foreign` a dataclass"),
    "a named tuple": (Pair, "H0603", "is a `Pair`", "make `Pair` a dataclass"),
    "a subclass of str": (Email, "H0603", "subclass of `str`", 'NewType("Email", str)'),
    "flags": (Flags, "H0603", "the enum `Flags`", "set[Flags]"),
    "a mixed enum": (Mixed, "H0603", "neither all strings nor all whole numbers", "a string"),
    "an empty enum": (Empty, "H0603", "the enum `Empty`", "a string"),
    "a mixed literal": (Literal["a", 1], "H0603", "neither", "Literal of strings"),
    "a literal boolean": (Literal[True], "H0603", "neither", "Literal of strings"),
    "keys that are no names": (dict[float, int], "H0603", "`float` cannot be the name", "use str, int"),
    "a set of what has no hash": (set[Unhashable], "H0603", "not hashable", "frozen=True"),
    "a set of lists": (set[list[int]], "H0603", "not hashable", "list["),
    "an open generic": (Generic_, "H0603", "parameters are not said", "Page[Order]"),
    "a type variable": (list[T], "H0603", "open type parameter `T`", "Page[Order]"),
    "gt of annotated_types": (Annotated[int, annotated_types.Gt(5)], "H0616", "would be ignored", "`Gt(5)`"),
    "len of annotated_types": (Annotated[str, annotated_types.Len(1, 3)], "H0616", "ignored", "MinLen(1), MaxLen(3)"),
    "interval": (Annotated[int, annotated_types.Interval(ge=1)], "H0616", "ignored", "Ge(...)"),
    "predicate": (Annotated[int, annotated_types.Predicate(bool)], "H0616", "ignored", "__post_init__"),
    "a pydantic field": (Annotated[int, pydantic.Field(gt=3)], "H0616", "ignored", "__post_init__"),
    "a constraint of items in pydantic": (PydanticMetaInside, "H0616", "which pydantic would ignore", "pydantic.Field"),
    "a constraint of a class in pydantic": (
        PydanticWithLines,
        "H0616",
        "which pydantic would ignore",
        "pydantic.Field",
    ),
    "a constraint in pydantic": (PydanticMeta, "H0616", "which pydantic would ignore", "pydantic.Field"),
    "number of text": (Annotated[str, Ge(1)], "H0617", "do not fit", "beside the type"),
    "length of a number": (Annotated[int, MinLen(1)], "H0617", "do not fit", "beside the type"),
    "outside of a union": (Annotated[int | None, Ge(1)], "H0617", "do not fit", "| None"),
    "twice": (Annotated[int, Ge(1), Ge(2)], "H0617", "do not fit", "beside the type"),
    "fraction of a whole number": (Annotated[int, Ge(1.5)], "H0617", "do not fit", "beside the type"),
    "beyond 64 bits": (Annotated[int, Lt(2**70)], "H0617", "do not fit", "beside the type"),
    "naive times": (Annotated[dt.datetime, msgspec.Meta(tz=False)], "H0617", "without an offset", "tz=False"),
    "forbidding": (Forbids, "H0618", "refuses members it does not know", "forbid_unknown_fields"),
    "forbidding pydantic": (PydanticForbids, "H0618", "refuses members", 'extra="forbid"'),
    "forbidding inside pydantic": (PydanticDeep, "H0618", "refuses members", 'extra="forbid"'),
    "an array": (Array, "H0618", "written as an array", "array_like"),
    "a field nobody sets": (OutsideTime, "H0618", "`OutsideTime.a` is set by the class alone", "property"),
    "an init variable": (Handed, "H0618", "`Handed.a` is an `InitVar`", "ordinary field"),
    "a converter": (Converted, "H0618", "`Converted.a` has a converter", "remove `converter=`"),
    "a union of scalars": (int | str, "H0619", "`int | str`", "tag="),
    "a union of dataclasses": (Plain | Unhashable, "H0619", "`Plain | Unhashable`", "tag=True"),
    "a union with one tag": (Cat | Cow, "H0619", "`Cat | Cow`", "`tag=` of its own"),
    "a union of different tag fields": (Cat | Elk, "H0619", "`Cat | Elk`", "tag_field"),
    "a tagged Struct and a list": (Cat | list[int], "H0619", "`Cat | list[int]`", "tag="),
    "an annotation that is nowhere": (Unresolved, "H0608", "`Nowhere`", "import `Nowhere`"),
}


@pytest.mark.parametrize(("type_", "code", "says", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_travel_is_refused_with_the_remedy(type_, code, says, remedy):
    found = check_type(type_, what="the reply of `get`")
    assert [each.code for each in found] == [code]
    assert says in found[0].title
    assert any(remedy in each for each in found[0].helps)
    assert found[0].helps


FINE = {
    "tagged union": Cat | Dog | None,
    "pydantic's own": PydanticOwn,
    "anything": dict[str, object],
    "a pattern": Annotated[str, Pattern("a")],
    "a generic with its parameter": Generic_[int],
    "a set of tuples": set[tuple[int, str]],
    "a described type": Annotated[int, msgspec.Meta(description="How many.")],
    "other people's metadata": Annotated[int, "mine"],
}


@pytest.mark.parametrize("type_", FINE.values(), ids=FINE)
def test_what_can_travel_is_not_refused(type_):
    assert check_type(type_, what="the reply of `get`") == []


class Inner(TypedDict):
    price: list[complex]


@dataclass
class Outer:
    first: complex
    inner: dict[str, Inner]
    """Holds more."""
    again: list[Inner] = field(default_factory=list)


def test_every_fault_is_found_in_one_go_and_told_once():
    found = check_type(Outer, what="the message of `place`")
    assert [each.title for each in found] == [
        "`Outer.first` is a `complex`, which JSON cannot carry",
        "`Inner.price[]` is a `complex`, which JSON cannot carry",
    ]


def test_the_place_is_the_line_of_the_field():
    first, second = check_type(Outer, what="the message of `place`")
    assert first.place.text == "    first: complex"
    assert second.place.text == "    price: list[complex]"
    assert "it is in the message of `place`" in first.notes


def test_without_a_class_the_given_place_is_pointed_at():
    place = Place("app.py", 3)
    (found,) = check_type(list[complex], what="the reply of `get`", place=place)
    assert found.place is place
    assert found.title == "the reply of `get`, at `[]`, is a `complex`, which JSON cannot carry"


def test_what_is_allowed_is_listed():
    (found,) = check_type(complex, what="the reply of `get`")
    assert all(word in found.notes[0] for word in ("UUID", "timedelta", "TypedDict", "pydantic model"))
