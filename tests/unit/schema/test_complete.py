"""A decoded dataclass holds its defaults itself, as one that Python code has made does."""

from dataclasses import dataclass, field
from typing import Generic, NotRequired, TypedDict, TypeVar

import msgspec
import pytest

from hardy.schema import codec

T = TypeVar("T")


@dataclass
class Line:
    sku: str = "tea"
    count: int = 1


@dataclass(frozen=True)
class Frozen:
    sku: str = "tea"


@dataclass
class Slotted(Line):
    __slots__ = ()


@dataclass(slots=True)
class SlottedHere(Line):
    note: str = ""


@dataclass(slots=True)
class Holder:
    line: Line


@dataclass
class Tree:
    name: str
    branches: "list[Tree]" = field(default_factory=list)
    of: "Tree | None" = None
    weight: int = 1


@dataclass
class Page(Generic[T]):
    items: list[T]
    next: str | None = None


class Typed(TypedDict):
    line: Line
    more: NotRequired[Line]


class One(msgspec.Struct, tag="one"):
    line: Line


class Two(msgspec.Struct, tag="two"):
    text: str = ""


class Unset(msgspec.Struct):
    line: Line | msgspec.UnsetType = msgspec.UNSET


@dataclass
class Remembers:
    first: str
    last: str = "x"

    def __post_init__(self) -> None:
        self.full = f"{self.first} {self.last}"


LINE = '{"sku":"tea","count":1}'


@pytest.mark.parametrize(
    ("type_", "sent", "whole"),
    [
        (Line, '{"count":1}', LINE),
        (Frozen, "{}", '{"sku":"tea"}'),
        (Slotted, "{}", LINE),
        (SlottedHere, "{}", '{"sku":"tea","count":1,"note":""}'),
        (Holder, '{"line":{}}', f'{{"line":{LINE}}}'),
        (list[Line], "[{},{}]", f"[{LINE},{LINE}]"),
        (tuple[Line, int], "[{},2]", f"[{LINE},2]"),
        (dict[str, Line], '{"a":{}}', f'{{"a":{LINE}}}'),
        (Line | None, "{}", LINE),
        (Line | None, "null", "null"),
        (Typed, '{"line":{}}', f'{{"line":{LINE}}}'),
        (One | Two, '{"type":"one","line":{}}', f'{{"type":"one","line":{LINE}}}'),
        (One | Two, '{"type":"two"}', '{"type":"two","text":""}'),
        (Unset, "{}", "{}"),
        (Page[Line], '{"items":[{}]}', f'{{"items":[{LINE}],"next":null}}'),
        (
            Tree,
            '{"name":"a","branches":[{"name":"b"}]}',
            '{"name":"a","branches":[{"name":"b","branches":[],"of":null,"weight":1}],"of":null,"weight":1}',
        ),
    ],
    ids=[
        "a default", "frozen", "no slots of its own", "slots of its own", "inside slots", "list", "tuple", "dict",
        "optional", "null", "typed dict", "union", "another of the union", "unset", "generic", "recursive",
    ],
)  # fmt: skip
def test_what_was_left_out_is_written(type_, sent, whole):
    fields = codec(type_)
    assert fields.encode(fields.decode(sent.encode())).decode() == whole
    assert fields.encode(fields.convert(msgspec.json.decode(sent))).decode() == whole


def test_vars_of_a_decoded_message_are_those_of_a_made_one():
    assert list(vars(codec(Line).decode(b'{"count":1}')).items()) == list(vars(Line()).items())


def test_what_post_init_adds_is_kept():
    assert vars(codec(Remembers).decode(b'{"first":"a"}')) == {"first": "a", "last": "x", "full": "a x"}


def test_renamed_members_are_written_too():
    @dataclass
    class Named:
        long_name: int = 1

    fields = codec(Named, json_case="camel")
    assert fields.encode(fields.decode(b"{}")) == b'{"longName":1}'
