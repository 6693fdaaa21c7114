"""Reads protobuf messages into the builtins that `hardy.schema.Codec.convert` takes.

Everything is looked up once; a call runs closures. What protobuf lets through
and the type does not (an unknown enum number, a time beyond year 9999) becomes
a value that the codec refuses, so that every fault is found in one place, with
one pointer and one wording whatever the transport.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Protocol

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message as Wire

from hardy.schema.proto._lookup import enum_numbers, enum_of, field_of, inner_of
from hardy.schema.proto._members import Known
from hardy.schema.proto._shapes import Choice, Leaf, Message, Moment, OneOf, Slot, Span, Wrapper, tag_of
from hardy.schema.proto._types import case_names

Builtins = dict[str, object]
Read = Callable[[Wire], Builtins]
"""Turns a message into an object."""
_Take = Callable[[Wire, Builtins], None]
"""Reads one field of a message into an object."""
_Value = Callable[..., object]
"""Turns what a field holds into a value."""

UNKNOWN = "an unknown number"
"""Stands for an enum number that names nothing; no enum has it as a value."""
_LONGEST = 315_576_000_000  # seconds, of google.protobuf.Duration
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Readers:
    """Makes and keeps the reader of each class, so that recursive classes end."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._made: dict[tuple[object, str], Read] = {}

    def message(self, type_: object, descriptor: Descriptor) -> Read:
        """Return the reader of a message class."""
        key = (type_, descriptor.full_name)
        if key in self._made:
            return self._made[key]
        self._made[key] = lambda wire: self._made[key](wire)
        takes = tuple(
            self._take(field_of(descriptor, each.name), each.slot, each.field.wire_name, required=each.field.required)
            for each in self._known.members(type_)
        )
        tag = tag_of(type_)

        def read(wire: Wire) -> Builtins:
            into: Builtins = {}
            for take in takes:
                take(wire, into)
            return into

        def read_tagged(wire: Wire) -> Builtins:
            into = read(wire)
            assert tag is not None
            into[tag[0]] = tag[1]
            return into

        self._made[key] = read if tag is None else read_tagged
        return self._made[key]

    def wrapped(self, field: FieldDescriptor, slot: Slot) -> _Value:
        """Return what reads the value out of a message of one field."""
        take = self._take(field, slot, "value", required=True)

        def unwrap(wire: Wire) -> object:
            into: Builtins = {}
            take(wire, into)
            return into.get("value", None)

        return unwrap

    def _take(self, field: FieldDescriptor, slot: Slot, wire_name: str, *, required: bool) -> _Take:
        get = attrgetter(field.name)
        if slot.key is not None:
            return _map(get, self._leaf(slot.leaf, _value_field(field)), wire_name)
        value = self._leaf(slot.leaf, field)
        if slot.many:
            return _many(get, value, wire_name)
        if not field.has_presence:
            return _always(get, value, wire_name)
        return _one(field.name, get, value, wire_name, null=slot.none and required)

    def _leaf(self, leaf: Leaf, field: FieldDescriptor) -> _Value | None:
        """Return what turns a field's value; ``None`` where it stays as it is."""
        if isinstance(leaf, Message):
            return self.message(leaf.type, inner_of(field))
        if isinstance(leaf, Wrapper):
            return self.wrapped(field_of(inner_of(field), "value"), leaf.slot)
        if isinstance(leaf, OneOf):
            return self._one_of(leaf, inner_of(field))
        if isinstance(leaf, Choice):
            return _choice(leaf, enum_of(field))
        if isinstance(leaf, Moment):
            return _moment
        return _span if isinstance(leaf, Span) else None

    def _one_of(self, leaf: OneOf, descriptor: Descriptor) -> _Value:
        kind = next(iter(descriptor.oneofs)).name
        cases: Mapping[str, Read] = {
            name: self.message(member.type, inner_of(field_of(descriptor, name)))
            for name, member in zip(case_names(leaf), leaf.members, strict=True)
        }

        def read(wire: Wire) -> object:
            name = wire.WhichOneof(kind)
            # Nothing set: an object without its tag is what the codec refuses.
            return cases[name](getattr(wire, name)) if name in cases else {}

        return read


def _value_field(field: FieldDescriptor) -> FieldDescriptor:
    return field_of(inner_of(field), "value")


def _one(name: str, get: Callable[[Wire], object], value: _Value | None, wire_name: str, *, null: bool) -> _Take:
    def take(wire: Wire, into: Builtins) -> None:
        if wire.HasField(name):
            into[wire_name] = get(wire)

    def take_or_null(wire: Wire, into: Builtins) -> None:
        into[wire_name] = get(wire) if wire.HasField(name) else None

    def take_turned(wire: Wire, into: Builtins) -> None:
        if wire.HasField(name):
            into[wire_name] = value(get(wire)) if value else None
        elif null:
            into[wire_name] = None

    if value is not None:
        return take_turned
    return take_or_null if null else take


def _always(get: Callable[[Wire], object], value: _Value | None, wire_name: str) -> _Take:
    """Reads a field of somebody else's proto, written without ``optional``."""

    def take(wire: Wire, into: Builtins) -> None:
        into[wire_name] = value(get(wire)) if value else get(wire)

    return take


def _many(get: Callable[[Wire], "list[object]"], value: _Value | None, wire_name: str) -> _Take:
    def take(wire: Wire, into: Builtins) -> None:
        into[wire_name] = list(get(wire))

    def take_turned(wire: Wire, into: Builtins) -> None:
        assert value is not None
        into[wire_name] = [value(each) for each in get(wire)]

    return take if value is None else take_turned


def _map(get: Callable[[Wire], "dict[object, object]"], value: _Value | None, wire_name: str) -> _Take:
    def take(wire: Wire, into: Builtins) -> None:
        into[wire_name] = dict(get(wire))

    def take_turned(wire: Wire, into: Builtins) -> None:
        assert value is not None
        into[wire_name] = {key: value(each) for key, each in get(wire).items()}

    return take if value is None else take_turned


def _choice(leaf: Choice, descriptor: EnumDescriptor) -> _Value:
    numbers = enum_numbers(leaf, descriptor)
    values = {number: json for number, (_, _, json) in zip(numbers, leaf.members, strict=True)}

    def turn(number: int) -> object:
        return values.get(number, UNKNOWN)

    return turn


class _Parts(Protocol):
    """A Timestamp or a Duration; a message of a pool of our own has no static type."""

    seconds: int
    nanos: int


def _moment(wire: _Parts) -> object:
    if 0 <= wire.nanos < 1_000_000_000:
        try:
            return _EPOCH + dt.timedelta(seconds=wire.seconds, microseconds=wire.nanos // 1000)
        except OverflowError:
            pass  # beyond what Python has; told below
    return f"{wire.seconds} seconds and {wire.nanos} nanoseconds since 1970"


def _span(wire: _Parts) -> object:
    seconds, nanos = wire.seconds, wire.nanos
    if abs(seconds) <= _LONGEST and abs(nanos) < 1_000_000_000 and seconds * nanos >= 0:
        return dt.timedelta(seconds=seconds, microseconds=int(nanos / 1000))
    return f"{seconds} seconds and {nanos} nanoseconds"
