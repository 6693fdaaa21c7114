"""What is written comes back as what it was, on every database."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Generic, NewType, TypeVar
from uuid import UUID

import msgspec
import pytest

from hardy.adapters.sql import MappingError
from hardy.core import InvalidArgument

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
class Holder(Generic[T]):
    value: T


MOMENT = datetime(2026, 11, 22, 15, 35, 18, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "type_", "value"),
    [
        ("integer", int, -(2**63)),
        ("integer", int | None, None),
        ("integer", Level, Level.HIGH),
        ("float", float, 1.5),
        ("float", float, -1e300),
        ("float", timedelta, timedelta(seconds=1.5)),
        ("text", str, "käse🧀 'quoted' :name"),
        ("text", Status, Status.PLACED),
        ("text", Colour, Colour.RED),
        ("text", Sku, "tea"),
        ("text", list[str], ["a", "b"]),
        ("text", Line, Line("tea", Decimal("1.10"))),
        ("text", UUID, UUID(int=7)),
        ("text", Decimal, Decimal("1.10")),
        ("text", datetime, MOMENT),
        ("text", date, date(2026, 11, 22)),
        ("bytes", bytes, b"\x00\xff"),
        ("bool", bool, True),
        ("bool", bool, False),
        ("bool", bool | None, None),
        ("uuid", UUID, UUID(int=7)),
        ("uuid", UUID | None, None),
        ("decimal", Decimal, Decimal("1.10")),
        ("decimal", Decimal, Decimal("123456789012345678901234567890.01")),
        ("moment", datetime, MOMENT),
        ("naive", datetime, MOMENT),
        ("date", date, date(2026, 11, 22)),
        ("time", time, time(15, 35)),
        ("length", timedelta, timedelta(days=400, seconds=1.5)),
        ("json", list[Line], [Line("tea", Decimal("1.10"))]),
        ("json", dict[str, list[int]], {"a": [1]}),
        ("json", tuple[int, str], (1, "x")),
        ("json", set[str], {"x"}),
        ("json", Line | None, None),
        ("json", list[datetime], [MOMENT]),
    ],
)
async def test_a_value_comes_back_as_what_it_was(database, column, type_, value):
    async with database.transaction() as session:
        await session.execute(f"insert into things (id, {column}_) values (1, :value)", value=value)
        found = await session.first(Holder[type_], f"select {column}_ as value from things")
    assert found.value == value
    assert isinstance(found.value, type(value))
    assert msgspec.json.encode(found.value) == msgspec.json.encode(value)


async def test_moments_of_any_zone_are_the_same_moment(database):
    east = MOMENT.astimezone(timezone(timedelta(hours=2)))
    async with database.transaction() as session:
        await session.execute("insert into things (id, moment_, naive_) values (1, :at, :same)", at=east, same=east)
        for column in ("moment_", "naive_"):
            found = await session.first(datetime, f"select {column} from things where {column} = :at", at=MOMENT)
            assert found == MOMENT
            assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("sql", "type_", "expected"),
    [
        ("select count(*) from things", int, 3),
        ("select sum(integer_) from things", int, 6),
        ("select avg(integer_) from things", float, 2.0),
        ("select max(integer_) from things where id > 9", int, None),
        ("select id from things where id > 9", int, None),
        ("select text_ from things order by id", str, "a"),
        ("select id > 0 from things", bool, True),
    ],
    ids=["count", "sum", "average", "nothing", "no-row", "first-of-many", "truth"],
)
async def test_a_scalar_is_made_of_the_only_column(database, sql, type_, expected):
    async with database.transaction() as session:
        await session.execute("insert into things (id, integer_, text_) values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')")
        found = await session.first(type_, sql)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("column", "value", "error", "problem"),
    [
        ("moment", datetime(2026, 1, 1), ValueError, "without a time zone"),
        ("naive", datetime(2026, 1, 1), ValueError, "without a time zone"),
        ("text", object(), TypeError, "`value`"),
        ("integer", 2**63, InvalidArgument, "a number is too large"),
        ("text", "\ud800", InvalidArgument, "characters that cannot be stored"),
        ("json", [object()], TypeError, "cannot be stored as JSON"),
        ("moment", datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), InvalidArgument, "out of the range"),
        ("naive", datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), InvalidArgument, "out of the range"),
    ],
    ids=["naive", "naive-in-naive", "object", "too-large", "surrogate", "inside", "first-day", "last-day"],
)
async def test_what_no_column_can_hold_is_refused_and_harms_nothing(database, column, value, error, problem):
    async with database.transaction() as session:
        await session.execute("insert into things (id) values (1)")
        with pytest.raises(error, match=problem):
            await session.execute(f"update things set {column}_ = :value", value=value)
        assert await session.first(int, "select count(*) from things") == 1


async def test_a_read_with_a_value_that_cannot_be_sent_leaves_nothing_to_whoever_has_the_connection_next(database):
    for number, (value, error) in enumerate([(2**63, InvalidArgument), (object(), TypeError)]):
        with pytest.raises(error):
            async with database.transaction() as session:
                await session.first(int, "select id from things where integer_ = :value", value=value)
        async with database.transaction() as session:
            await session.execute("insert into things (id, integer_) values (:id, 1)", id=number)


@pytest.mark.parametrize(
    ("type_", "sql", "problem"),
    [
        (Line, "select 'x' as sku", "Line needs `price`"),
        (Line, "select 'x' as sku, 1 as price, 2 as other", "Line has no field for `other`"),
        (int, "select 'canary' as value", "holds a str that does not fit"),
        (int, "select 1, 2", "int is made of one column"),
        (Status, "select 'canary' as value", "does not fit"),
        (list[int], "select '[\"canary\"]' as value", "does not fit"),
    ],
    ids=["missing", "extra", "type", "two-columns", "enum", "inside"],
)
async def test_what_does_not_fit_is_told_without_the_value(database, type_, sql, problem):
    async with database.transaction() as session:
        with pytest.raises(MappingError) as caught:
            await session.first(type_, sql)
        assert problem in str(caught.value)
        assert "canary" not in str(caught.value)
        assert await session.first(int, "select 1") == 1
