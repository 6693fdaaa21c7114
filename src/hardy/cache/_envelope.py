"""What is written beside a value, and the keys it is written under."""

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import NamedTuple, cast

from hardy.cache._cache import Entry
from hardy.schema import json_schemas

_HEAD = struct.Struct("<BBff")
"""Kind, number of tags, seconds the load took, seconds it is kept after it ceased to be fresh."""
_VALUE, _GONE = 1, 2
STAMP = 8
"""Bytes of a tag's stamp."""
LONGEST_KEY = 200
_PROSE = frozenset({"title", "description", "examples"})


class Found(NamedTuple):
    """A value as it was found."""

    payload: bytes
    fresh: float
    """Seconds for which it is fresh; below zero since it is not."""
    cost: float
    """Seconds that it took to load."""


def seal(payload: bytes, *, cost: float, grace: float, stamps: Sequence[bytes]) -> bytes:
    """Write a value with what is needed to judge it later."""
    return b"".join((_HEAD.pack(_VALUE, len(stamps), cost, grace), *stamps, payload))


def gone() -> bytes:
    """Write that a value is not to be used any more, so that loads begun before cannot store what they found."""
    return _HEAD.pack(_GONE, 0, 0.0, 0.0)


def unseal(entry: Entry | None, stamps: Sequence[bytes | None]) -> Found | None:
    """Return the value in *entry*, or ``None`` when there is none that may be used.

    Args:
        stamps: Of its tags, as they are now; a value that was stored under others is out of date.
    """
    if entry is None:
        return None
    data = entry.value
    if len(data) < _HEAD.size:
        return None
    kind, tags, cost, grace = cast("tuple[int, int, float, float]", _HEAD.unpack_from(data))
    start = _HEAD.size
    if kind != _VALUE or tags != len(stamps):
        return None
    for stamp in stamps:
        if data[start : start + STAMP] != stamp:
            return None
        start += STAMP
    return Found(data[start:], entry.ttl - grace, cost)


def shape_of(type_: object) -> str:
    """Return eight characters that change when the shape of *type_* does: members, types, constraints.

    A release that changes it reads and writes keys of its own, beside the old release's.

    Raises:
        BuildFailed: Messages cannot have this type.
    """
    schemas, components = json_schemas([type_])
    text = json.dumps([_bare(schemas), _bare(components)], sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _bare(schema: object) -> object:
    """Return *schema* without its prose; members that happen to be called so stay."""
    if isinstance(schema, dict):
        members = cast("dict[str, object]", schema)
        return {
            name: {each: _bare(part) for each, part in cast("dict[str, object]", value).items()}
            if name == "properties" and isinstance(value, dict)
            else _bare(value)
            for name, value in members.items()
            if not (name in _PROSE and isinstance(value, (str, list)))
        }
    if isinstance(schema, list | tuple):
        return [_bare(part) for part in cast("Sequence[object]", schema)]
    return schema


def bounded(key: str) -> str:
    """Return *key*, or its digest where it is long."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"#{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
