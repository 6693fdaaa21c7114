"""Values go into columns and come back as what they were."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Generic, Literal, NewType, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from hardy.adapters.sql import Database, DatabaseSettings, MappingError
from hardy.core import InvalidArgument
from hardy.schema import Ge

T = TypeVar("T")
Sku = NewType("Sku", str)


class Status(Enum):
    PLACED = "placed"


class Level(IntEnum):
    HIGH = 3


class Colour(StrEnum):
    RED = "red"


@dataclass
class Line:
    sku: str
    price: Decimal


@dataclass
class Data:
    value: int
    other: str = "default"


class Struct(msgspec.Struct):
    value: int
    other: str = "default"


class Typed(TypedDict):
    value: int


@attrs.define
class Attrs:
    value: int
    other: str = "default"


class Model(pydantic.BaseModel):
    value: int
    other: str = "default"


@pytest.fixture
async def session():
    async with Database(DatabaseSettings(url="sqlite:///:memory:")) as database, database.transaction() as session:
        yield session


MOMENT = datetime(2026, 11, 22, 15, 35, 18, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (int, -(2**63)),
        (float, 1.5),
        (str, "käse\0🧀"),
        (bytes, b"\x00\xff"),
        (bool, True),
        (bool, False),
        (UUID, UUID(int=7)),
        (Decimal, Decimal("1.10")),
        (Decimal, Decimal("123456789012345678901234567890.01")),
        (datetime, MOMENT),
        (date, date(2026, 11, 22)),
        (time, time(15, 35)),
        (timedelta, timedelta(seconds=1.5)),
        (Status, Status.PLACED),
        (Level, Level.HIGH),
        (Colour, Colour.RED),
        (Literal["a", "b"], "b"),
        (Sku, "tea"),
        (Annotated[int, Ge(1)], 5),
        (int | None, None),
        (UUID | None, UUID(int=7)),
        (list[Line], [Line("tea", Decimal("1.10"))]),
        (Line, Line("tea", Decimal("1.10"))),
        (dict[str, list[int]], {"a": [1]}),
        (tuple[int, ...], (1, 2)),
        (set[str], {"x"}),
        (list[datetime], [MOMENT]),
        (object, "as it is"),
    ],
)
async def test_a_value_comes_back_as_what_it_was(session, type_, value):
    @dataclass
    class Holder(Generic[T]):
        value: T

    found = await session.first(Holder[type_], "select :value as value", value=value)
    assert found.value == value
    assert type(found.value) is type(value)


async def test_moments_are_stored_in_utc_so_that_they_compare(session):
    east = datetime(2026, 11, 22, 17, 35, 18, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert await session.first(str, "select :at", at=east) == "2026-11-22T15:35:18.123456+00:00"
    assert await session.first(bool, "select :a < :b", a=MOMENT.replace(microsecond=0), b=MOMENT) is True
    assert await session.first(datetime, "select '2026-11-22 15:35:18'") == MOMENT.replace(microsecond=0)


@pytest.mark.parametrize("cls", [Data, Struct, Attrs, Model])
async def test_every_family_of_classes_is_filled_by_name(session, cls):
    assert await session.first(cls, "select 1 as value") == cls(value=1)
    assert await session.all(cls, "select 'x' as other, 2 as value") == [cls(value=2, other="x")]


async def test_a_typed_dict_is_a_dict(session):
    assert await session.all(Typed, "select 1 as value union all select 2") == [{"value": 1}, {"value": 2}]


async def test_a_column_may_be_missing_where_the_field_has_a_default(session):
    @dataclass
    class Filled:
        value: int
        made: list[int] = field(default_factory=lambda: [1])

    assert (await session.first(Filled, "select 1 as value")).made == [1]


async def test_a_scalar_is_made_of_the_only_column(session):
    assert await session.first(int, "select 5") == 5
    assert await session.first(int, "select 5 where false") is None
    assert await session.first(int, "select max(x) from (select 1 as x) where false") is None
    assert await session.all(str, "select 'a' union select 'b'") == ["a", "b"]


@pytest.mark.parametrize(
    ("type_", "sql", "problem"),
    [
        (Data, "select 1 as valu", "Data needs `value`, and the statement gives `valu`"),
        (Data, "select 1 as value, 2 as othr", "Data has no field for `othr`"),
        (Data, "select 1 as value, 2 as value", "gives a column twice"),
        (Data, "select 'canary' as value", "column `value` of Data holds a str that does not fit"),
        (Data, "select null as value", "column `value` of Data holds a null that does not fit"),
        (int, "select 1, 2", "int is made of one column"),
        (int, "select 'canary' as value", "holds a str that does not fit"),
        (bool, "select 2", "holds a int that does not fit"),
        (UUID, "select 'canary' as value", "does not fit"),
        (UUID, "select 5 as value", "does not fit"),
        (Decimal, "select 'canary' as value", "does not fit"),
        (datetime, "select 'canary' as value", "does not fit"),
        (datetime, "select 5 as value", "does not fit"),
        (Status, "select 'canary' as value", "does not fit"),
        (list[int], "select '[1, canary]' as value", "does not fit"),
        (list[int], "select '[\"canary\"]' as value", "does not fit"),
        (list[int], "select 5 as value", "does not fit"),
    ],
)
async def test_what_does_not_fit_is_told_without_the_value(session, type_, sql, problem):
    with pytest.raises(MappingError) as caught:
        await session.first(type_, sql)
    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "error", "problem"),
    [
        (datetime(2026, 1, 1), ValueError, "without a time zone"),
        (object(), TypeError, "`value` is a object, which no column can hold"),
        (2**63, InvalidArgument, "a number is too large"),
        ("\ud800", InvalidArgument, "characters that cannot be stored"),
        ([object()], TypeError, "cannot be stored as JSON"),
    ],
    ids=["naive", "object", "too-large", "surrogate", "inside"],
)
async def test_what_no_column_can_hold_is_refused(session, value, error, problem):
    with pytest.raises(error, match=problem):
        await session.first(object, "select :value", value=value)
    assert await session.first(int, "select 1") == 1
