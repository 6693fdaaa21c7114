"""Writes the user's values into protobuf messages, by closures made once."""

import typing
from collections.abc import Callable, Mapping
from enum import Enum
from operator import attrgetter

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message as Wire

from hardy.schema import Family, family_of
from hardy.schema.proto._lookup import enum_numbers, enum_of, field_of, inner_of
from hardy.schema.proto._members import Known
from hardy.schema.proto._puts import (
    TURNS,
    WRONG,
    Fill,
    Put,
    Turn,
    Unencodable,
    fill_moment,
    fill_span,
    inside,
    put_many,
    put_map,
    put_one,
)
from hardy.schema.proto._shapes import Choice, Leaf, Message, Moment, OneOf, Scalar, Slot, Span, Text, Wrapper
from hardy.schema.proto._types import case_names


class Writers:
    """Makes and keeps the writer of each class, so that recursive classes end."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._made: dict[tuple[object, str], Fill] = {}

    def message(self, type_: object, descriptor: Descriptor) -> Fill:
        """Return the writer of a message class."""
        key = (type_, descriptor.full_name)
        if key in self._made:
            return self._made[key]
        self._made[key] = lambda value, wire: self._made[key](value, wire)
        get = _item if family_of(type_) is Family.TYPED_DICT else attrgetter
        puts = tuple(
            (each.field.wire_name, get(each.field.name), self.put(field_of(descriptor, each.name), each.slot))
            for each in self._known.members(type_)
        )

        def fill(value: object, wire: Wire) -> None:
            for name, of, put in puts:
                try:
                    part = of(value)
                    if part is not msgspec.UNSET:
                        put(part, wire)
                except WRONG as error:
                    raise inside(error, name) from None

        self._made[key] = fill
        return fill

    def put(self, field: FieldDescriptor, slot: Slot) -> Put:
        """Return what writes a value into *field*."""
        if slot.key is not None:
            turn, fill = self._leaf(slot.leaf, field_of(inner_of(field), "value"))
            return put_map(field.name, None if slot.key is int else _key, turn, fill)
        turn, fill = self._leaf(slot.leaf, field)
        if slot.many:
            return put_many(field.name, turn, fill)
        return put_one(field.name, turn, fill, none=slot.none)

    def _leaf(self, leaf: Leaf, field: FieldDescriptor) -> tuple[Turn | None, Fill | None]:
        if isinstance(leaf, Choice):
            return _choice(leaf, field), None
        if isinstance(leaf, Scalar | Text):
            return TURNS[leaf.python], None
        return None, self._composite(leaf, field)

    def _composite(self, leaf: Message | Moment | Span | OneOf | Wrapper, field: FieldDescriptor) -> Fill:
        if isinstance(leaf, Message):
            return self.message(leaf.type, inner_of(field))
        if isinstance(leaf, Wrapper):
            return self.put(field_of(inner_of(field), "value"), leaf.slot)
        if isinstance(leaf, OneOf):
            return self._one_of(leaf, inner_of(field))
        return fill_moment if isinstance(leaf, Moment) else fill_span

    def _one_of(self, leaf: OneOf, descriptor: Descriptor) -> Fill:
        cases = {
            typing.get_origin(member.type) or member.type: (name, self._case(member, descriptor, name))
            for name, member in zip(case_names(leaf), leaf.members, strict=True)
        }

        def fill(value: object, wire: Wire) -> None:
            name, fill_case = cases.get(type(value), (None, None))
            if name is None or fill_case is None:
                raise Unencodable(f"is a `{type(value).__name__}`, which is not in the union")
            inner = getattr(wire, name)
            inner.SetInParent()
            fill_case(value, inner)

        return fill

    def _case(self, member: Message, descriptor: Descriptor, name: str) -> Fill:
        return self.message(member.type, inner_of(field_of(descriptor, name)))


def _item(name: str) -> Callable[[object], object]:
    def get(value: object) -> object:
        return typing.cast("Mapping[str, object]", value).get(name, msgspec.UNSET)

    return get


def _key(key: object) -> object:
    """Return the string that JSON has for a key."""
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return key
    return str(msgspec.to_builtins(key))


def _choice(leaf: Choice, field: FieldDescriptor) -> Turn:
    numbers = enum_numbers(leaf, enum_of(field))
    table = {value: number for number, (_, value, _) in zip(numbers, leaf.members, strict=True)}

    def turn(value: object) -> object:
        number = table.get(value)
        if number is None:
            raise Unencodable(f"{value!r} is not one of the values of `{enum_of(field).name}`")
        return number

    return turn
