"""Gives decoded dataclasses the defaults that msgspec leaves on the class.

Of a dataclass without slots a default is an attribute of the class, so msgspec
finds it there and sets nothing on what it makes. The value looks complete, yet
``vars(value)`` lacks the field, and so does its JSON: a message that is part of a
reply would lose what its caller had left out.
"""

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable
from typing import cast

from msgspec import UNSET

from hardy.schema._families import Family
from hardy.schema._shapes import Many, Mapping, Nullable, OneOf, Record, Row, Shape, reachable

Complete = Callable[[object], None]


def completer(shape: Shape) -> Complete | None:
    """Return what completes a decoded value in place; none when there is nothing to complete."""
    return _Maker().part(shape)


def _is_hollow(shape: Shape) -> bool:
    return isinstance(shape, Record) and shape.family is Family.DATACLASS and bool(_order(shape.cls))


def _order(cls: type) -> list[str]:
    """The names of fields that an instance keeps in its ``__dict__``, when a default of any is on the class."""
    loose = [
        each
        for each in dataclasses.fields(cls)
        if not isinstance(inspect.getattr_static(cls, each.name, None), types.MemberDescriptorType)
    ]
    return [each.name for each in loose] if any(each.default is not dataclasses.MISSING for each in loose) else []


class _Maker:
    def __init__(self) -> None:
        self._made: dict[int, Complete] = {}

    def part(self, shape: Shape) -> Complete | None:
        if not any(map(_is_hollow, reachable(shape))):
            return None
        if id(shape) not in self._made:
            # A class may hold itself: what is inside of it asks for it by its place, once it is made.
            self._made[id(shape)] = lambda value: self._made[id(shape)](value)
            self._made[id(shape)] = self._make(shape)
        return self._made[id(shape)]

    def _make(self, shape: Shape) -> Complete:
        match shape:
            case Record():
                return self._record(shape)
            case Nullable():
                inner = self._sure(shape.inner)
                return lambda value: None if value is None or value is UNSET else inner(value)
            case Many():
                return _each(self._sure(shape.item))
            case Mapping():
                items = _each(self._sure(shape.value))
                return lambda value: items(cast("dict[object, object]", value).values())
            case Row():
                parts = [(at, part) for at, each in enumerate(shape.items) if (part := self.part(each))]
                return lambda value: _row(cast("tuple[object, ...]", value), parts)
            case OneOf():
                cases = {each.cls: part for each in shape.cases.values() if (part := self.part(each))}
                return lambda value: cases.get(type(value), _nothing)(value)
            case _:
                return _nothing

    def _sure(self, shape: Shape) -> Complete:
        return self.part(shape) or _nothing

    def _record(self, record: Record) -> Complete:
        if record.family is Family.PYDANTIC:
            return _nothing  # pydantic makes what is inside by calling the class
        parts = [(each.field.name, part) for each in record.members if (part := self.part(each.shape))]
        if record.family is Family.TYPED_DICT:
            return lambda value: _typed_dict(cast("dict[str, object]", value), parts)
        order = _order(record.cls) if _is_hollow(record) else []
        names = frozenset(order)

        def complete(value: object) -> None:
            if names:
                held = vars(value)
                if not held.keys() >= names:
                    # In the order of the class, as its own __init__ leaves them; behind it what __post_init__ adds.
                    whole = {name: getattr(value, name) for name in order} | held
                    held.clear()
                    held.update(whole)
            for name, part in parts:
                part(getattr(value, name))

        return complete


def _each(part: Complete) -> Complete:
    def complete(value: object) -> None:
        for each in cast("Iterable[object]", value):
            part(each)

    return complete


def _row(value: tuple[object, ...], parts: list[tuple[int, Complete]]) -> None:
    for at, part in parts:
        part(value[at])


def _typed_dict(value: dict[str, object], parts: list[tuple[str, Complete]]) -> None:
    for name, part in parts:
        if name in value:
            part(value[name])


def _nothing(value: object) -> None:
    """Complete what is complete."""
