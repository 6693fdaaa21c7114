"""Converters between the user's types and the bytes of protobuf messages."""

from collections.abc import Callable
from typing import Generic, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message as Wire

from hardy.core import Malformed
from hardy.schema import Codec, codec
from hardy.schema.proto._decode import Readers
from hardy.schema.proto._encode import Writers
from hardy.schema.proto._lookup import field_of
from hardy.schema.proto._members import Known
from hardy.schema.proto._puts import Fill, Unencodable
from hardy.schema.proto._shapes import Message, Slot, slot_of
from hardy.schema.proto._types import is_message_slot

T = TypeVar("T")


class Tools:
    """What the converters of one contract share while they are made."""

    def __init__(self) -> None:
        known = Known()
        self.readers = Readers(known)
        self.writers = Writers(known)
        self._made: dict[tuple[object, str], Converter[object]] = {}

    def converter(self, type_: object, message_class: type[Wire]) -> "Converter[object]":
        """Return the converter between a type and a message class; made once for each pair."""
        key = (type_, message_class.DESCRIPTOR.full_name)
        if key not in self._made:
            self._made[key] = Converter[object](type_, message_class, self)
        return self._made[key]


class Converter(Generic[T]):
    """Reads and writes one type as one protobuf message. Made once, at build, by `converter`.

    May be used from many threads and tasks at once.
    """

    __slots__ = ("_class", "_codec", "_fill", "_name", "_read")

    def __init__(self, type_: object, message_class: type[Wire], tools: "Tools") -> None:
        # The stubs know two descriptor classes; at run time it is one or the other, with the same attributes.
        descriptor = cast("Descriptor", message_class.DESCRIPTOR)
        self._class = message_class
        self._name = descriptor.full_name
        self._codec: Codec[T] | None = None
        self._read: Callable[[Wire], object] | None = None
        self._fill: Fill | None = None
        if type_ is not None and type_ is not type(None):
            self._codec = codec(cast("type[T]", type_))
            self._prepare(slot_of(type_), descriptor, tools)

    def _prepare(self, slot: Slot, descriptor: Descriptor, tools: "Tools") -> None:
        if is_message_slot(slot) and isinstance(slot.leaf, Message):
            self._read = tools.readers.message(slot.leaf.type, descriptor)
            self._fill = tools.writers.message(slot.leaf.type, descriptor)
        else:
            value = field_of(descriptor, "value")
            self._read = tools.readers.wrapped(value, slot)
            self._fill = tools.writers.put(value, slot)

    def decode(self, data: bytes) -> T:
        """Return the value that *data* says.

        Raises:
            Malformed: *data* is no such message.
            InvalidMessage: It breaks its rules; every fault is listed, with the
                pointer it would have in JSON.
        """
        try:
            wire = self._class.FromString(data)
        except DecodeError as error:
            raise Malformed(f"the bytes are no `{self._name}`") from error
        if self._read is None or self._codec is None:
            return cast("T", None)
        return self._codec.convert(self._read(wire))

    def encode(self, value: T) -> bytes:
        """Return *value* as bytes.

        Raises:
            Unencodable: Its type has no such value: a whole number beyond int64,
                a float that is not finite, a datetime without a time zone.
        """
        wire = self._class()
        if self._fill is not None:
            try:
                self._fill(value, wire)
            except RecursionError as error:
                raise Unencodable("is nested too deeply") from error
        return wire.SerializeToString()


def converter(type_: type[T], message_class: type[Wire]) -> Converter[T]:
    """Return the converter between *type_* and a protobuf message class.

    A type that is no message of its own is the field ``value`` of the class;
    ``None`` is a class without fields.

    Args:
        type_: What `hardy.schema.codec` takes.
        message_class: Of any pool, as `Contract.message_class` gives it.

    Raises:
        BuildFailed: The class lacks a field that the type has (H0620).
    """
    return Converter(type_, message_class, Tools())
