"""JSON Schema of single values."""

import datetime as dt
from decimal import Decimal
from types import NoneType
from uuid import UUID

from hardy.schema._shapes import Limits, Scalar
from hardy.schema._wording import HIGHEST, LOWEST

Schema = dict[str, object]

_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,18})?$"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$"
_DURATION = r"^-?P([0-9]{1,9}D)?(T([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}(\.[0-9]{1,6})?S)?)?$"

_PLAIN: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    str: {"type": "string"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    Decimal: {"type": "string", "format": "decimal", "pattern": _DECIMAL},
    UUID: {"type": "string", "format": "uuid"},
    dt.date: {"type": "string", "format": "date"},
    # No "format": RFC 3339 demands an offset of a time, and forbids a duration its sign and fraction.
    dt.time: {"type": "string", "pattern": _TIME, "examples": ["23:59:59"]},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.timedelta: {"type": "string", "pattern": _DURATION, "examples": ["PT1H30M"]},
    NoneType: {"type": "null"},
}
_BOUNDS = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf",
}  # fmt: skip


def schema(shape: Scalar) -> Schema:
    """Return the schema of a scalar with its limits."""
    made = dict(_PLAIN[shape.python])
    made.update({word: shape.limits[name] for name, word in _BOUNDS.items() if name in shape.limits})
    if shape.python is int:
        if not {"ge", "gt"} & set(shape.limits):
            made["minimum"] = LOWEST
        if not {"le", "lt"} & set(shape.limits):
            made["maximum"] = HIGHEST
    made.update(_lengths(shape.limits, base64=shape.python is bytes))
    if "pattern" in shape.limits:
        made["pattern"] = shape.limits["pattern"]
    return made


def key_schema(shape: Scalar) -> Schema:
    """Return the schema of a member's name that stands for a scalar."""
    if shape.python is int:
        return {"pattern": "^-?[0-9]+$"}
    return {name: each for name, each in schema(shape).items() if name != "type"}


def _lengths(limits: Limits, *, base64: bool) -> Schema:
    """Count characters; four of base64 carry three bytes."""
    made: Schema = {}
    for name, word in (("min_length", "minLength"), ("max_length", "maxLength")):
        length = limits.get(name)
        if isinstance(length, int):
            made[word] = -(-length // 3) * 4 if base64 else length
    return made
