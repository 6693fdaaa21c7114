"""Carries JSON values between the names on the wire and the names msgspec knows.

msgspec renames the members of Structs only, and by their class. For
``json_case="camel"`` hardy renames by shape instead, on decoded JSON.
"""

import typing
from collections.abc import Iterable, Iterator

import msgspec

from hardy.schema._shapes import Many, Mapping, Nullable, OneOf, Record, Row, Shape, reachable

_UNHASHABLE = {dict, list}


class Rename:
    """Renames the members of values, inward and outward."""

    def __init__(self, shape: Shape) -> None:
        records = [each for each in reachable(shape) if isinstance(each, Record)]
        self.needed = any(member.native != member.wire for each in records for member in each.members)
        self.recounts = any(isinstance(each, Many) and each.unique and bool(each.limits) for each in reachable(shape))
        """Whether a set's size is limited: of [1, 1] msgspec counts one item in JSON, two in a list of Python's."""

    def inward(self, shape: Shape, raw: object) -> object:
        """From the wire's names to msgspec's."""
        return _walk(shape, raw, inward=True) if self.needed or self.recounts else raw

    def outward(self, shape: Shape, value: object) -> object:
        """From msgspec's names to the wire's."""
        return _walk(shape, value, inward=False) if self.needed else value

    def path(self, shape: Shape, parts: tuple[object, ...]) -> tuple[object, ...]:
        """Rename the members on a path outward; what names no member stays."""
        return tuple(_steps(shape, parts)) if self.needed else parts


def _steps(shape: Shape | None, parts: tuple[object, ...]) -> Iterator[object]:
    for part in parts:
        if isinstance(shape, Nullable):
            shape = shape.inner
        if isinstance(shape, Record):
            member = next((each for each in shape.members if each.native == part), None)
            yield member.wire if member else part
            shape = member.shape if member else shape
        else:
            yield part
            shape = shape.item if isinstance(shape, Many) else shape.value if isinstance(shape, Mapping) else None


def _walk(shape: Shape, value: object, *, inward: bool) -> object:
    if isinstance(shape, Nullable):
        return None if value is None else _walk(shape.inner, value, inward=inward)
    if isinstance(value, dict):
        return _members(shape, typing.cast("dict[str, object]", value), inward=inward)
    if isinstance(value, list | tuple | set | frozenset):
        items = typing.cast("list[object]", value)
        if isinstance(shape, Many):
            known = [_walk(shape.item, each, inward=inward) for each in items]
            return distinct(known) if shape.unique else known
        if isinstance(shape, Row):
            rest = items[len(shape.items) :]
            known = [_walk(inner, each, inward=inward) for inner, each in zip(shape.items, items, strict=False)]
            return [*known, *rest]
    return value  # pyright: ignore[reportUnknownVariableType]  # a collection of anything


def _members(shape: Shape, value: dict[str, object], *, inward: bool) -> object:
    if isinstance(shape, Mapping):
        return {name: _walk(shape.value, each, inward=inward) for name, each in value.items()}
    if isinstance(shape, OneOf):
        tag = value.get(shape.tag_field)
        case = shape.cases.get(tag) if isinstance(tag, str | int) else None
        return value if case is None else _members(case, value, inward=inward)
    if not isinstance(shape, Record):
        return value
    renamed: dict[str, object] = {}
    if shape.tag is not None and shape.tag[0] in value:
        renamed[shape.tag[0]] = value[shape.tag[0]]
    for member in shape.members:
        source, target = (member.wire, member.native) if inward else (member.native, member.wire)
        if source in value:
            renamed[target] = _walk(member.shape, value[source], inward=inward)
    return renamed


def distinct(items: Iterable[object]) -> list[object]:
    """Return *items* each once, as a set would hold them."""
    seen: dict[object, object] = {}
    for each in items:
        key = msgspec.json.encode(each) if type(each) in _UNHASHABLE else each
        seen.setdefault(key, each)
    return list(seen.values())
