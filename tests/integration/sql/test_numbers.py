"""PostgreSQL is given the number that was meant, or none."""

from decimal import Decimal

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.core import InvalidArgument

SCHEMA = "create table numbers (whole bigint, exact numeric)"


@pytest.fixture
async def session(postgres_url):
    settings = DatabaseSettings(url=postgres_url, migrate="ignore")
    async with Database(settings, schema=SCHEMA) as database, database.transaction() as session:
        yield session


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("whole", 1.5, TypeError),
        ("whole", Decimal("1.5"), TypeError),
        ("whole", float("nan"), TypeError),
        ("whole", Decimal("1e30"), InvalidArgument),
        ("exact", Decimal("1e200000"), InvalidArgument),
        ("exact", Decimal("1e-20000"), InvalidArgument),
    ],
    ids=["float", "decimal", "nan", "large", "larger", "small"],
)
async def test_what_a_column_cannot_hold_is_not_made_another_number(session, column, value, error):
    with pytest.raises(error):
        await session.execute(f"insert into numbers ({column}) values (:value)", value=value)
    assert await session.first(int, "select count(*) from numbers") == 0


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("whole", 2.0, "2"),
        ("whole", Decimal(2), "2"),
        ("exact", Decimal("1e131071"), "1" + "0" * 131071),
        ("exact", Decimal("1e-16383"), "0." + "0" * 16382 + "1"),
        ("exact", Decimal("NaN"), "NaN"),
        ("exact", 0.1, "0.1"),
    ],
    ids=["float", "decimal", "large", "small", "nan", "exact"],
)
async def test_what_it_can_hold_is_there(session, column, value, kept):
    await session.execute(f"insert into numbers ({column}) values (:value)", value=value)
    assert await session.first(str, f"select {column}::text from numbers") == kept
