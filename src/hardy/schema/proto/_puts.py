"""The last step of encoding: one value into one field."""

import datetime as dt
import decimal
import math
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping

from google.protobuf.message import Message as Wire

from hardy.core import Fault
from hardy.schema._wording import FINITE, INT64, OFFSET, SURROGATE

Fill = Callable[[object, Wire], None]
"""Writes a value into a message made for it."""
Turn = Callable[[object], object]
"""Makes a scalar of the wire out of a value."""
Put = Callable[[object, Wire], None]
"""Writes a value into its field of a message."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # of google.protobuf.Timestamp
_LONGEST = 315_576_000_000  # of google.protobuf.Duration
WRONG = (TypeError, ValueError, AttributeError, KeyError)
"""What protobuf, and reading a value of another type, raise."""


class Unencodable(ValueError):
    """A value that proto cannot carry: it breaks its own type.

    Of a reply it is a defect of the service, of a message one of the caller,
    who gets `faults` as a `hardy.core.InvalidMessage`.

    Example:
        >>> raise Unencodable("must be finite").under("price")
        Traceback (most recent call last):
            ...
        hardy.schema.proto.Unencodable: /price must be finite
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self._path: list[str] = []

    def under(self, name: object) -> "Unencodable":
        """Note that the value stands inside *name*."""
        self._path.append(str(name).replace("~", "~0").replace("/", "~1"))
        return self

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong and where."""
        return (Fault("".join(f"/{each}" for each in reversed(self._path)), self.detail),)

    def __str__(self) -> str:
        return f"{self.faults[0].pointer} {self.detail}".strip()


def inside(error: Exception, name: object) -> Unencodable:
    """Return *error* as what went wrong under *name*."""
    known = error if isinstance(error, Unencodable) else Unencodable(_told(error))
    return known.under(name)


def _told(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return SURROGATE
    return INT64 if str(error).startswith("Value out of range") else f"has the wrong type: {error}"


def put_one(name: str, turn: Turn | None, fill: Fill | None, *, none: bool) -> Put:
    """Write a field that holds one value; of a nullable one, nothing for ``None``."""

    def put(value: object, wire: Wire) -> None:
        setattr(wire, name, value)

    def put_turned(value: object, wire: Wire) -> None:
        assert turn is not None
        setattr(wire, name, turn(value))

    def put_filled(value: object, wire: Wire) -> None:
        assert fill is not None
        inner = getattr(wire, name)
        inner.SetInParent()
        fill(value, inner)

    chosen = put_filled if fill else put_turned if turn else put
    return _unless_none(chosen) if none else chosen


def _unless_none(put: Put) -> Put:
    def put_or_leave(value: object, wire: Wire) -> None:
        if value is not None:
            put(value, wire)

    return put_or_leave


def put_many(name: str, turn: Turn | None, fill: Fill | None) -> Put:
    """Write a repeated field."""

    def put(value: object, wire: Wire) -> None:
        field = getattr(wire, name)
        append = field.add if fill else field.append
        for index, each in enumerate(typing.cast("Iterable[object]", value)):
            try:
                if fill:
                    fill(each, append())
                else:
                    append(turn(each) if turn else each)
            except WRONG as error:
                raise inside(error, index) from None

    return put


def put_map(name: str, key: Turn | None, turn: Turn | None, fill: Fill | None) -> Put:
    """Write a map field."""

    def put(value: object, wire: Wire) -> None:
        field = getattr(wire, name)
        for each, content in typing.cast("Mapping[object, object]", value).items():
            place = key(each) if key else each
            try:
                if fill:
                    fill(content, field[place])
                else:
                    field[place] = turn(content) if turn else content
            except WRONG as error:
                raise inside(error, place) from None

    return put


def _finite(value: object) -> object:
    if not math.isfinite(typing.cast("float", value)):
        raise Unencodable(FINITE)
    return value


def _text(cls: type, form: Callable[..., str]) -> Turn:
    def turn(value: object) -> object:
        if not isinstance(value, cls):
            raise Unencodable(f"must be a `{cls.__name__}`, not a `{type(value).__name__}`")
        return form(value)

    return turn


TURNS: Mapping[type, Turn | None] = {
    bool: None,
    int: None,
    str: None,
    bytes: None,
    float: _finite,
    uuid.UUID: _text(uuid.UUID, str),
    decimal.Decimal: _text(decimal.Decimal, str),
    # Of a datetime, which is a date too, the day alone.
    dt.date: _text(dt.date, dt.date.isoformat),
    dt.time: _text(dt.time, dt.time.isoformat),
}
"""How each Python type becomes a scalar; ``None`` where protobuf takes it as it is."""


class _Parts(typing.Protocol):
    """A Timestamp or a Duration; a message of a pool of our own has no static type."""

    seconds: int
    nanos: int


def fill_moment(value: object, wire: Wire) -> None:
    """Write a ``datetime`` into a Timestamp, to the microsecond."""
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise Unencodable(OFFSET)
    since = value - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    if not _FIRST <= seconds <= _LAST:
        raise Unencodable("must be between the years 1 and 9999 in UTC")
    parts = typing.cast("_Parts", typing.cast("object", wire))
    parts.seconds, parts.nanos = seconds, since.microseconds * 1000


def fill_span(value: object, wire: Wire) -> None:
    """Write a ``timedelta`` into a Duration, whose two parts have one sign."""
    if not isinstance(value, dt.timedelta):
        raise Unencodable(f"must be a timedelta, not a `{type(value).__name__}`")
    seconds, micros = value.days * 86_400 + value.seconds, value.microseconds
    if seconds < 0 < micros:
        seconds, micros = seconds + 1, micros - 1_000_000
    if abs(seconds) > _LONGEST:
        raise Unencodable("must be shorter than ten thousand years")
    parts = typing.cast("_Parts", typing.cast("object", wire))
    parts.seconds, parts.nanos = seconds, micros * 1000
