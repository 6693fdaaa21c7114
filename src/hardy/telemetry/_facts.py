"""Make any fact fit for a line: builtins only, secrets gone, sizes bounded."""

import dataclasses
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import cast

from hardy.telemetry._redact import REDACTED, is_secret_name, scrub

_PLAIN = frozenset({int, float, bool, type(None)})
# The names of the access line, asked for at every call.
_HARMLESS = frozenset({"app", "call", "code", "ms", "operation", "peer", "principal", "transport"})
LONGEST_TEXT = 16_384
_MOST_ITEMS = 200
_DEEPEST = 6


def clean(facts: dict[str, object]) -> dict[str, object]:
    """Replace, in place, what a line may not carry as it is; returns *facts*."""
    for name, value in facts.items():
        kind = type(value)
        if kind is str:
            text = cast("str", value)
            if len(text) > LONGEST_TEXT or "://" in text or "eyJ" in text or "earer " in text:
                facts[name] = bounded(text)
        elif kind not in _PLAIN:
            facts[name] = _plain(value, 0)
        if name not in _HARMLESS and is_secret_name(name) and value is not None and kind is not bool:
            facts[name] = REDACTED
    return facts


def bounded(text: str) -> str:
    """Return *text* without the credentials in it, or its beginning and its length when it is very long."""
    if len(text) > LONGEST_TEXT:
        return f"{scrub(text[:LONGEST_TEXT])}... ({len(text)} characters)"
    return scrub(text) if "://" in text or "eyJ" in text or "earer " in text else text


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return bounded(value)
    if type(value) in _PLAIN:
        return value
    if depth == _DEEPEST:
        return "..."
    members = _members(value)
    if members is not None:
        return {key: _member(key, member, depth) for key, member in islice(members, _MOST_ITEMS)}
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("Iterable[object]", value)
        return [_plain(item, depth + 1) for item in islice(items, _MOST_ITEMS)]
    return _text(value)


def _member(name: str, value: object, depth: int) -> object:
    return REDACTED if is_secret_name(name) and value is not None else _plain(value, depth + 1)


def _members(value: object) -> Iterable[tuple[str, object]] | None:
    """The named parts of a mapping, a dataclass or a Struct; ``None`` for anything else."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return ((key if isinstance(key, str) else _text(key), member) for key, member in pairs)
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        # A field that is not shown by repr is not shown in a log either.
        names = [each.name for each in dataclasses.fields(value) if each.repr]
    else:
        names = list(cast("tuple[str, ...]", getattr(value, "__struct_fields__", ())))
    return ((name, getattr(value, name, None)) for name in names) if names else None


def _text(value: object) -> str:
    try:
        text = str(value)
    except Exception as error:  # a __str__ that fails must not take the line with it
        text = f"<{type(value).__name__}: {type(error).__name__} in __str__>"
    return bounded(text)
