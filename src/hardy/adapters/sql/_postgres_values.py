"""From Python values to what asyncpg takes for each of PostgreSQL's types."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import NamedTuple, cast
from uuid import UUID

from hardy.adapters.sql._asyncpg import Kind
from hardy.adapters.sql._sqlite_values import as_json, in_utc, moment
from hardy.core import InvalidArgument, is_message_type

_TOO_LARGE = 2**63
_BEFORE, _BEHIND = 131_072, 16_383
"""Digits of a ``numeric`` before the point and behind it."""

Write = Callable[[str, object], object]


class Writer(NamedTuple):
    """How one parameter is written."""

    as_is: frozenset[type]
    """Values of exactly these types are given to the driver as they are."""
    write: Write


def arguments(names: Sequence[str], writers: Sequence[Writer], given: dict[str, object]) -> list[object]:
    """Return the values of *given* in the order of *names*, as the driver takes them.

    Raises:
        TypeError: A value has no column type.
        ValueError: A datetime has no time zone.
    """
    return [
        value if type(value := given[name]) in writer.as_is else writer.write(name, value)
        for name, writer in zip(names, writers, strict=True)
    ]


def values(names: Sequence[str], writers: Sequence[Writer], row: Sequence[object]) -> tuple[object, ...]:
    """Return the values of a *row* as the driver takes them; raises what `arguments` raises."""
    return tuple(
        value if type(value) in writer.as_is else writer.write(name, value)
        for name, writer, value in zip(names, writers, row, strict=True)
    )


def writer_for(kind: Kind) -> Writer:
    """Return how parameters of *kind* are written."""
    if kind.kind == "array":
        return Writer(frozenset({type(None)}), _array(_BY_NAME.get(kind.name.removesuffix("[]"), _OTHER)))
    return _BY_NAME.get(kind.name, _OTHER)


def _array(item: Writer) -> Write:
    def write(name: str, value: object) -> object:
        if not isinstance(value, list | tuple | set | frozenset):
            raise TypeError(f"`{name}` is a {type(value).__name__}, and the statement takes a list there")
        items = cast("Sequence[object]", value)
        return [each if type(each) in item.as_is else item.write(name, each) for each in items]

    return write


def _plain(name: str, value: object) -> object:
    if isinstance(value, Enum):
        return _plain(name, value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and type(value) is not bool:
        return int(value)
    return float(value) if isinstance(value, float) else value


def _text(name: str, value: object) -> object:
    value = _plain(name, value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset | dict) or is_message_type(type(value)):
        return as_json(name, value)  # pyright: ignore[reportUnknownArgumentType]  # of a container
    return value if isinstance(value, str) else _refuse(name, value, "a text")


def _float(name: str, value: object) -> object:
    value = _plain(name, value)
    return value.total_seconds() if isinstance(value, timedelta) else value


def _integer(name: str, value: object) -> object:
    value = _plain(name, value)
    if isinstance(value, float | Decimal):
        return _whole(name, value)
    return int(value) if isinstance(value, bool) else value


def _whole(name: str, value: float | Decimal) -> object:
    """Return *value* as an integer; the driver would cut off what is behind the point."""
    if isfinite(value) and not -_TOO_LARGE < value < _TOO_LARGE:
        raise InvalidArgument("a number is too large to be stored")
    return int(value) if isfinite(value) and not value % 1 else _refuse(name, value, "a whole number")


def _numeric(name: str, value: object) -> object:
    value = _plain(name, value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        exponent = cast("int", value.as_tuple().exponent)
        if exponent < -_BEHIND or value.adjusted() >= _BEFORE:  # the driver would write another number
            raise InvalidArgument("a number has too many digits to be stored")
    return value


def _zoned(name: str, value: object) -> object:
    if isinstance(value, datetime):
        moment(value)  # refuses one without a zone
    return value


def _naive(name: str, value: object) -> object:
    if isinstance(value, datetime):
        moment(value)
        return in_utc(value).replace(tzinfo=None)
    return value


def _json(name: str, value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Enum):
        return value
    return as_json(name, value)


def _other(name: str, value: object) -> object:
    value = _plain(name, value)
    if isinstance(value, list | tuple | set | frozenset | dict) or is_message_type(type(value)):
        return as_json(name, value)  # pyright: ignore[reportUnknownArgumentType]  # of a container
    return value


def _refuse(name: str, value: object, what: str) -> object:
    kind = type(value).__name__
    if type(value).__module__ == "builtins" and not isinstance(value, int | float | bytes):
        raise TypeError(f"`{name}` is a {kind}, which no column can hold")
    raise TypeError(
        f"`{name}` is a {kind}, and the statement takes {what} there; say otherwise with a cast, `:{name}::...`"
    )


def _writer(write: Write, *as_is: type) -> Writer:
    return Writer(frozenset({type(None), *as_is}), write)


_TEXT = _writer(_text, str)
_JSON = _writer(_json, str)
_INTEGER = _writer(_integer, int)
_FLOAT = _writer(_float, float, int)
_OTHER = _writer(_other, int, float, str, bytes)
_BY_NAME = {
    "text": _TEXT,
    "varchar": _TEXT,
    "bpchar": _TEXT,
    "char": _TEXT,
    "name": _TEXT,
    "json": _JSON,
    "jsonb": _JSON,
    "int2": _INTEGER,
    "int4": _INTEGER,
    "int8": _INTEGER,
    "float4": _FLOAT,
    "float8": _FLOAT,
    "numeric": _writer(_numeric, int),
    "uuid": _writer(_other, UUID, str),
    "bool": _writer(_other, bool),
    "bytea": _writer(_other, bytes),
    "timestamptz": _writer(_zoned),
    "timestamp": _writer(_naive),
    "date": _writer(_other, date),
    "time": _writer(_other, time),
    "interval": _writer(_other, timedelta),
}
