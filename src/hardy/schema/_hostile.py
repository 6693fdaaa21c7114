"""Tells bytes that are no JSON, in words for the caller."""

import json
import math

from hardy.core import Malformed
from hardy.schema._wording import Huge

_LONGEST = 309
"""Digits of a whole number that is read as one; no float has more."""


def malformed(error: Exception, data: bytes) -> Malformed:
    """Return the answer to bytes that could not be decoded."""
    if isinstance(error, UnicodeDecodeError):
        return Malformed("the body is not UTF-8")
    if isinstance(error, RecursionError):
        return Malformed("the JSON is nested too deeply")
    if not data.strip():
        return Malformed("the body is empty where JSON is expected")
    if data.startswith(b"\xef\xbb\xbf"):
        return Malformed("the JSON begins with a byte order mark, which RFC 8259 forbids")
    if b"\\ud" in data.lower() and ("surrogate" in str(error) or "truncated" in str(error)):
        return Malformed("the JSON holds half of a surrogate pair")
    text = str(error).removeprefix("JSON is malformed: ")
    return Malformed(f"the body is not JSON: {text[:1].lower()}{text[1:]}")


def is_depth(error: RecursionError) -> bool:
    """Whether the decoder itself met nesting without end, and not code of the user's that it ran."""
    return "while deserializing" in str(error)


def parse(data: bytes) -> object:
    """Read JSON whole, keeping numbers that no type may hold as `Huge` so that they can be told.

    Raises:
        Malformed: It is no JSON.
    """
    try:
        raw: object = json.loads(data.decode(), parse_int=_whole, parse_float=_broken, parse_constant=_constant)
        if b"\\ud" in data.lower():
            json.dumps(raw, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Malformed("the JSON holds half of a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise malformed(error, data) from None
    return raw


def _whole(digits: str) -> object:
    return int(digits) if len(digits) <= _LONGEST else Huge(digits)


def _broken(digits: str) -> object:
    value = float(digits)
    return value if math.isfinite(value) else Huge(digits)


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
