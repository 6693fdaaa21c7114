"""The kinds of single values: numbers, text, words, durations, sizes, URLs, times."""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import cast
from uuid import UUID

import msgspec

from hardy.config._kind import BadValue, Kind
from hardy.config._units import (
    Unit,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
    parse_url,
    redact_url,
)

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")  # Python refuses to read more than 4300 digits


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise BadValue("not text; put it in quotes")


def _bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word not in _WORDS:
        raise BadValue("neither true nor false")
    return _WORDS[word]


def _int(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and _WHOLE.fullmatch(text := raw.strip()):
        return int(text)
    raise BadValue("not a whole number" if _is_number(raw) else "not a number")


def _is_number(raw: object) -> bool:
    try:
        float(str(raw))
    except ValueError:
        return False
    return not isinstance(raw, bool)


def _float(raw: object) -> float:
    if isinstance(raw, bool) or not _is_number(raw):
        raise BadValue("not a number")
    number = float(str(raw))
    if number - number != 0:  # neither infinite nor NaN
        raise BadValue("not finite")
    return number


def _with_unit(parse: Callable[[str], object], label: str) -> Callable[[object], object]:
    def read(raw: object) -> object:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raise BadValue(label)
        try:
            return parse(str(raw))
        except ValueError:
            raise BadValue(label) from None

    return read


def _url(raw: object) -> str:
    try:
        return parse_url(_text(raw).strip())
    except ValueError:
        raise BadValue("not a URL") from None


def _path(raw: object) -> Path:
    if not _text(raw):
        raise BadValue("empty")
    return Path(_text(raw))


def _by_msgspec(type_: type, label: str) -> Callable[[object], object]:
    def read(raw: object) -> object:
        try:
            return cast("object", msgspec.convert(raw.strip() if isinstance(raw, str) else raw, type_))
        except msgspec.ValidationError:
            raise BadValue(label) from None

    return read


def _show_bool(value: object) -> str:
    return "true" if value else "false"


def _show_delta(value: object) -> str:
    return format_duration(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def _show_time(value: object) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _kind(words: str, example: str, read: Callable[[object], object], show: Callable[[object], str] = str) -> Kind:
    """Make a kind from ``name: one / many``, or ``name: one / many like this or that``."""
    name, _, rest = words.partition(": ")
    nouns, _, like = rest.partition(" like ")
    one, _, many = nouns.partition(" / ")
    return Kind(name=name, one=one, many=many, like=like, example=example, read=read, show=show)


_read_duration = _with_unit(parse_duration, "not a duration")

SCALARS: Mapping[object, Kind] = MappingProxyType(
    {
        str: _kind("str: text / texts", "text", _text),
        int: _kind("int: a whole number / whole numbers", "1", _int),
        float: _kind("float: a number / numbers", "1.5", _float),
        bool: _kind("bool: true or false / true or false", "true", _bool, _show_bool),
        Path: _kind("path: a path / paths", "/tmp", _path),  # noqa: S108  # an example in a message
        UUID: _kind("uuid: a UUID / UUIDs", f"{UUID(int=0)}", _by_msgspec(UUID, "not a UUID")),
        Decimal: _kind("decimal: a decimal number / decimal numbers", "9.99", _by_msgspec(Decimal, "not a number")),
        date: _kind("date: a date / dates", "2030-01-31", _by_msgspec(date, "not a date"), _show_time),
        time: _kind("time: a time of day / times of day", "06:30:00", _by_msgspec(time, "not a time"), _show_time),
        datetime: _kind(
            "datetime: a date and time / dates and times",
            "2030-01-31T06:30:00Z",
            _by_msgspec(datetime, "not a date and time"),
            _show_time,
        ),
        timedelta: _kind(
            "duration: a duration / durations like 30s, 5m or 1h30m",
            "30s",
            lambda raw: timedelta(seconds=cast("float", _read_duration(raw))),
            _show_delta,
        ),
        bytes: _kind(
            "bytes: bytes in base64 / bytes in base64", "aGFyZHk=", _by_msgspec(bytes, "not base64"), lambda _: "***"
        ),
    }
)
"""Kind of each plain type."""

_UNITS: Mapping[str, Kind] = MappingProxyType(
    {
        "duration": _kind(
            "duration: a duration / durations like 30s, 5m or 1h30m",
            "30s",
            _read_duration,
            lambda value: format_duration(cast("float", value)),
        ),
        "size": _kind(
            "size: a size / sizes like 64KB or 1MiB",
            "1MiB",
            _with_unit(parse_size, "not a size"),
            lambda value: format_size(cast("int", value)),
        ),
        "url": _kind(
            "url: a URL / URLs like https://example.com",
            "https://example.com",
            _url,
            lambda value: redact_url(str(value)),
        ),
    }
)


def of_unit(unit: Unit) -> Kind:
    """Return the kind of `Duration`, `Size` or `Url`."""
    return _UNITS[unit.name]


def one_of(values: Sequence[object]) -> Kind:
    """Return the kind of a ``Literal``."""
    return _choice({str(value): value for value in values}, str)


def member_of(type_: type[enum.Enum]) -> Kind:
    """Return the kind of an enum; a member is written by its value, or by its name."""
    return _choice({str(member.value): member for member in type_}, _member, {m.name.lower(): m for m in type_})


def _member(value: object) -> str:
    return str(value.value) if isinstance(value, enum.Enum) else str(value)


def _choice(
    choices: Mapping[str, object], show: Callable[[object], str], names: Mapping[str, object] | None = None
) -> Kind:
    def read(raw: object) -> object:
        text = str(raw).strip()
        if text in choices:
            return choices[text]
        if names and text.lower() in names:
            return names[text.lower()]
        begun = [each for each in choices if text and each.startswith(text.lower())]
        nearest = begun or get_close_matches(text.lower(), choices, n=1)
        raise BadValue("no such choice", nearest[0] if nearest else "")

    rule = "one of " + ", ".join(choices)
    return Kind(name="choice", one=rule, many=rule, example=next(iter(choices), ""), read=read, show=show)
