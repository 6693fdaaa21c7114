"""What callers are told about a value that breaks a rule."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from types import NoneType
from uuid import UUID

from hardy.schema._shapes import Limits, Scalar

LOWEST, HIGHEST = -(2**63), 2**63 - 1
INT64 = f"must be from {LOWEST} to {HIGHEST}"
MOMENTS = frozenset({dt.datetime, dt.date, dt.time, dt.timedelta})
FLOAT64 = "must be a number that a 64-bit float can hold"
FINITE = "must be a finite number"
OFFSET = "must have an offset from UTC, such as 2024-12-31T23:59:59Z"
SURROGATE = "must not hold half of a surrogate pair"
MISSING = "is missing"
TOO_DEEP = "is nested too deeply"

_KINDS: dict[type, str] = {
    bool: "must be true or false",
    int: "must be a whole number",
    float: "must be a number",
    str: "must be text",
    bytes: "must be text in base64",
    Decimal: 'must be a decimal number in text, such as "9.99"',
    UUID: "must be a UUID",
    dt.date: "must be a date, such as 2024-12-31",
    dt.time: "must be a time of day, such as 23:59:59",
    dt.datetime: "must be a date and time, such as 2024-12-31T23:59:59Z",
    dt.timedelta: "must be a duration in ISO 8601, such as PT1H30M",
    NoneType: "must be null",
}


class Huge:
    """A number in JSON that is too large to be read; a plain class, so that msgspec takes it for nothing else."""

    def __init__(self, digits: str) -> None:
        self.digits = digits


def kind(python: type) -> str:
    """Say what a value of a scalar type looks like."""
    return _KINDS[python]


def broken(shape: Scalar, raw: object, value: object) -> Iterator[str]:
    """Say which limits of *shape* a value breaks.

    Args:
        raw: As it came.
        value: As it would be without the limits; ``None`` when it is not even of the type.
    """
    if raw is None:
        yield "must not be null"
    elif value is None:
        yield kind_of(shape, raw)
    else:
        yield from numeric(shape.limits, value)
        yield from lengths(shape.limits, value, "character" if shape.python is str else "byte")
        pattern = shape.limits.get("pattern")
        if isinstance(pattern, str) and isinstance(value, str) and not re.search(pattern, value):
            yield f"must match the pattern {pattern}"


def kind_of(shape: Scalar, raw: object) -> str:
    if shape.python is int and isinstance(raw, float) and raw.is_integer():
        return "must be a whole number, written without a fraction or exponent"
    if isinstance(raw, Huge) and shape.python is int:
        return INT64
    if isinstance(raw, Huge | int) and shape.python is float and not isinstance(raw, bool):
        return FLOAT64
    return kind(shape.python)


def numeric(limits: Limits, value: object) -> Iterator[str]:
    """Say which bounds a number breaks."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    for name, word in (("ge", "at least"), ("gt", "greater than"), ("le", "at most"), ("lt", "less than")):
        bound = limits.get(name)
        if isinstance(bound, int | float) and not _within(name, value, bound):
            yield f"must be {word} {bound}"
    step = limits.get("multiple_of")
    if isinstance(step, int | float) and value % step:
        yield f"must be a multiple of {step}"


def _within(name: str, value: float, bound: float) -> bool:
    if name == "ge":
        return value >= bound
    if name == "gt":
        return value > bound
    return value <= bound if name == "le" else value < bound


def lengths(limits: Limits, value: object, unit: str) -> Iterator[str]:
    """Say which limits of length a text or a collection breaks.

    Args:
        unit: What is counted: ``"character"``, ``"item"``.
    """
    least, most = limits.get("min_length"), limits.get("max_length")
    if not hasattr(value, "__len__"):
        return
    length = len(value)  # pyright: ignore[reportArgumentType]  # asked above
    if isinstance(least, int) and length < least:
        yield "must not be empty" if least == 1 else f"must have at least {_counted(least, unit)}"
    if isinstance(most, int) and length > most:
        yield f"must have at most {_counted(most, unit)}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def one_of(values: Sequence[object]) -> str:
    """Name what a choice is of."""
    if len(values) == 1:
        return f"must be {values[0]}"
    shown = ", ".join(str(each) for each in values[:20])
    return f"must be one of {shown}" + (", ..." if len(values) > 20 else "")


_MSGSPEC = {"array": "must be a list", "object": "must be an object", "duration": _KINDS[dt.timedelta]} | {
    python.__name__.lower(): text for python, text in _KINDS.items()
}


def from_msgspec(message: str) -> str:
    """Make the best of a message that no rule of ours explains."""
    text = message.partition(" - at ")[0]
    expected = re.match(r"Expected `(\w+)`, got", text)
    if expected is not None and expected[1] in _MSGSPEC:
        return _MSGSPEC[expected[1]]
    if text.startswith(("Expected", "Invalid", "Object", "Number", "Integer")):
        text = text[:1].lower() + text[1:]
    return text.replace("`", "")
