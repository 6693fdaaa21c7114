"""The message rules on every transport: whatever family a message is of, it arrives as it was sent."""

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Generic, Literal, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from hardy import App, Ge, public
from hardy.core import InvalidMessage
from hardy.testing import TRANSPORTS, client, stream_of
from hardy.transport import grpc, http

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(kw_only=True)
class Line:
    how_many: Annotated[int, Ge(0)] = 0
    tags: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Page(Generic[T]):
    items: list[T]
    next: str | None = None


@dataclass(kw_only=True)
class Tree:
    name: str
    branches: "list[Tree]" = field(default_factory=list)


class Cat(msgspec.Struct, tag="cat"):
    lives_left: int


class Dog(msgspec.Struct, tag="dog"):
    name: str
    chases: Cat | None = None


@dataclass(kw_only=True)
class Plain:
    some_id: UUID
    raw_bytes: bytes
    took: timedelta
    price: Decimal
    on_day: date
    at_moment: datetime
    at_time: time
    colour: Colour
    level: Level
    mode: Literal["a", "b"]
    ratio: float
    flag: bool
    zero: int
    empty: str
    absent: int | None
    lines: list[Line]
    numbers: set[int]
    words: frozenset[str]
    many: tuple[int, ...]
    by_name: dict[str, Line]
    tree: Tree
    page: Page[Line]
    inner: Line


class Struct(msgspec.Struct, kw_only=True):
    some_id: UUID
    raw_bytes: bytes
    took: timedelta
    price: Decimal
    on_day: date
    at_moment: datetime
    at_time: time
    colour: Colour
    level: Level
    mode: Literal["a", "b"]
    ratio: float
    flag: bool
    zero: int
    empty: str
    absent: int | None
    lines: list[Line]
    numbers: set[int]
    words: frozenset[str]
    many: tuple[int, ...]
    by_name: dict[str, Line]
    tree: Tree
    page: Page[Line]
    inner: Line
    pet: Cat | Dog
    pets: list[Cat | Dog]


Typed = TypedDict("Typed", Plain.__annotations__)  # type: ignore[misc]


Attrs = attrs.make_class("Attrs", {name: attrs.field(type=each) for name, each in Plain.__annotations__.items()})
Attrs.__module__ = __name__


@dataclass(kw_only=True)
class ModelLine:
    """As `Line`, with a constraint that pydantic knows."""

    how_many: Annotated[int, pydantic.Field(ge=0)] = 0
    tags: list[str] = field(default_factory=list)


OF_MODEL = Plain.__annotations__ | {
    "lines": list[ModelLine],
    "by_name": dict[str, ModelLine],
    "page": Page[ModelLine],
    "inner": ModelLine,
}
Model = pydantic.create_model(
    "Model",
    __config__=pydantic.ConfigDict(val_json_bytes="base64", ser_json_bytes="base64"),
    __module__=__name__,
    **{name: (each, ...) for name, each in OF_MODEL.items()},
)


def values(line: type) -> dict[str, object]:
    return {
        "some_id": UUID(int=7),
        "raw_bytes": b"\x00\xff",
        "took": timedelta(days=2, microseconds=7),
        "price": Decimal("10.50"),
        "on_day": date(2024, 2, 29),
        "at_moment": datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=UTC),
        "at_time": time(1, 2, 3),
        "colour": Colour.BLUE,
        "level": Level.HIGH,
        "mode": "b",
        "ratio": 0.0,
        "flag": False,
        "zero": 0,
        "empty": "",
        "absent": None,
        "lines": [line(how_many=1, tags=["x"]), line()],
        "numbers": {1, 2},
        "words": frozenset({"w"}),
        "many": (3, 4),
        "by_name": {"keep_this_key": line(how_many=3)},
        "tree": Tree(name="trunk", branches=[Tree(name="twig")]),
        "page": Page(items=[line(how_many=5)]),
        "inner": line(how_many=4),
    }


PETS = {"pet": Dog(name="rex", chases=Cat(lives_left=0)), "pets": [Cat(lives_left=9), Dog(name="")]}
FAMILIES = {
    "dataclass": (Plain, Line, {}),
    "struct": (Struct, Line, PETS),
    "typeddict": (Typed, Line, {}),
    "attrs": (Attrs, Line, {}),
    "pydantic": (Model, ModelLine, {}),
}


@pytest.fixture(params=FAMILIES)
def family(request):
    """Use cases of all four kinds that give back what they were given, of one family."""
    message, line, more = FAMILIES[request.param]

    async def echo(msg: message) -> message:
        return msg

    async def twice(msg: message) -> AsyncIterator[message]:
        yield msg
        yield msg

    async def gather(items: AsyncIterator[message]) -> list[message]:
        return [item async for item in items]

    async def chat(items: AsyncIterator[message]) -> AsyncIterator[message]:
        async for item in items:
            yield item

    return SimpleNamespace(
        echo=echo, twice=twice, gather=gather, chat=chat, message=message, line=line, values=values(line) | more
    )


def served(family, *, json_case: Literal["snake", "camel"]) -> App:
    app, rpc = App("echo", json_case=json_case), grpc.service("echo.v1.Echo")
    app.expose(family.echo, http.post("/echo"), rpc("Echo"), allow=public)
    app.expose(family.twice, http.post("/twice"), rpc("Twice"), allow=public)
    app.expose(family.gather, http.post("/gather"), rpc("Gather"), allow=public)
    app.expose(family.chat, http.get("/chat"), rpc("Chat"), allow=public)
    return app


async def arrives(family, transport, json_case):
    message = family.message(**family.values)
    async with client(served(family, json_case=json_case), transport) as caller:
        assert await caller.call(family.echo, message) == message
        assert [item async for item in caller.stream(family.twice, message)] == [message, message]
        assert await caller.call(family.gather, stream_of(message, message)) == [message, message]
        assert [item async for item in caller.stream(family.chat, stream_of(message, message))] == [message, message]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_message_of_any_family_arrives_as_it_was_sent(family, transport):
    await arrives(family, transport, "snake")


async def test_a_message_of_any_family_arrives_in_camel_case_too(family):
    await arrives(family, "http", "camel")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_value_that_breaks_a_rule_is_refused_by_its_place(family, transport):
    line = family.line
    wrong = family.values | {"lines": [line(), line(how_many=-1)], "inner": line(how_many=-2)}
    message = family.message.model_construct(**wrong) if family.message is Model else family.message(**wrong)
    async with client(served(family, json_case="snake"), transport) as caller:
        with pytest.raises(InvalidMessage) as failed:
            await caller.call(family.echo, message)
    assert {fault.pointer for fault in failed.value.faults} == {"/lines/1/how_many", "/inner/how_many"}
