"""From Python values to what a column holds."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import cast
from uuid import UUID

import msgspec

from hardy.core import InvalidArgument, is_message_type

Column = int | float | str | bytes | None


def moment(value: datetime) -> str:
    """Return *value* in UTC with a fixed width, so that texts compare as moments do."""
    if value.tzinfo is None:
        raise ValueError("a datetime without a time zone cannot be stored: say which zone, as in datetime.now(UTC)")
    return in_utc(value).isoformat(timespec="microseconds")


def in_utc(value: datetime) -> datetime:
    """Return the same moment in UTC.

    Raises:
        InvalidArgument: There is no such day: the first and last of the calendar, in a zone far away.
    """
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidArgument("a moment is out of the range that can be stored") from None


_AS_IS = frozenset({int, float, str, bytes, type(None)})
_WRITERS: dict[type, Callable[[object], Column]] = {
    bool: lambda value: int(cast("bool", value)),
    UUID: str,
    Decimal: str,
    datetime: lambda value: moment(cast("datetime", value)),
    date: lambda value: cast("date", value).isoformat(),
    time: lambda value: cast("time", value).isoformat(),
    timedelta: lambda value: cast("timedelta", value).total_seconds(),
}
_PARENTS: dict[type, Callable[[object], Column]] = {
    int: lambda value: int(cast("int", value)),
    float: lambda value: float(cast("float", value)),
    str: lambda value: str.__str__(cast("str", value)),
    bytes: lambda value: bytes(cast("bytes", value)),
}


def to_columns(given: dict[str, object]) -> dict[str, Column]:
    """Return *given* as the driver takes it.

    UUID, Decimal and dates are texts, a datetime is a text in UTC, a timedelta
    is seconds, an enum is its value; what has members is JSON.

    Raises:
        TypeError: A value has no column type.
        ValueError: A datetime has no time zone.
    """
    return {
        name: cast("Column", value) if type(value) in _AS_IS else _column(name, value) for name, value in given.items()
    }


def to_column(name: str, value: object) -> Column:
    """Return one value as the driver takes it; raises what `to_columns` raises."""
    return cast("Column", value) if type(value) in _AS_IS else _column(name, value)


def _column(name: str, value: object) -> Column:
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, Enum):
        inner: object = value.value
        return cast("Column", inner) if type(inner) in _AS_IS else _column(name, inner)
    for kind, write in (_PARENTS | _WRITERS).items():
        if isinstance(value, kind):
            return write(value)
    if isinstance(value, list | tuple | set | frozenset | dict) or is_message_type(type(value)):
        return as_json(name, value)  # pyright: ignore[reportUnknownArgumentType]  # of a container
    raise TypeError(f"`{name}` is a {type(value).__name__}, which no column can hold")


def as_json(name: str, value: object) -> str:
    """Return *value* as JSON text.

    Raises:
        TypeError: JSON cannot carry it.
    """
    dump: Callable[[], str] | None = getattr(value, "model_dump_json", None)
    if dump is not None:  # a pydantic model
        return dump()
    try:
        return msgspec.json.encode(value).decode()
    except TypeError as error:
        kind = "a dataclass" if dataclasses.is_dataclass(value) else type(value).__name__
        raise TypeError(f"`{name}` is {kind} that cannot be stored as JSON: {error}") from None
