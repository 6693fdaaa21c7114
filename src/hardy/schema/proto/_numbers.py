"""Puts the numbers of the checked-in file into what the code declares.

The file owns the numbers: what it names keeps its number, what is new gets the
highest plus one, and what is gone leaves its number reserved for ever. A field
whose type changes on the wire is a new field: its old number is reserved too,
so that nobody reads the one as the other.
"""

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from hardy.schema.proto._changes import Changes, Path
from hardy.schema.proto._draft import finish
from hardy.schema.proto._pairs import Numbers, pairs
from hardy.schema.proto._text import type_text

_F = FieldDescriptorProto
# The field numbers of FileDescriptorProto, DescriptorProto and their kin: what paths are made of.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
_VALUES = _METHODS = 2


def number(new: FileDescriptorProto, old: FileDescriptorProto, changes: Changes) -> None:
    """Give *new* the numbers, the order and the options of *old*.

    Args:
        new: What the code declares; changed in place.
        old: What is checked in.
        changes: Takes what differs.
    """
    new.options.CopyFrom(old.options)
    for service, before, path in pairs(new.service, old.service, what="service ", path=(_SERVICES,), changes=changes):
        service.options.CopyFrom(before.options)
        _methods(service, before, path, changes)
    _messages(new.message_type, old.message_type, (_MESSAGES,), "", changes)
    _enums(new.enum_type, old.enum_type, (_ENUMS,), "", changes)
    for message in new.message_type:
        finish(message)


def _messages(
    new: RepeatedCompositeFieldContainer[DescriptorProto],
    old: RepeatedCompositeFieldContainer[DescriptorProto],
    path: Path,
    scope: str,
    changes: Changes,
) -> None:
    for message, before, where in pairs(new, old, what=f"message {scope}", path=path, changes=changes):
        name = f"{scope}{message.name}"
        message.options.CopyFrom(before.options)
        _fields(message, before, where, f"{name}.", changes)
        _messages(message.nested_type, before.nested_type, (*where, _NESTED), f"{name}.", changes)
        _enums(message.enum_type, before.enum_type, (*where, _NESTED_ENUMS), f"{name}.", changes)


def _fields(new: DescriptorProto, old: DescriptorProto, path: Path, scope: str, changes: Changes) -> None:
    numbers = Numbers((each.number for each in old.field), ((each.start, each.end - 1) for each in old.reserved_range))
    declared = {each.name for each in new.field}
    fresh = [each for each in new.field if each.name not in {other.name for other in old.field}]
    matched = pairs(new.field, old.field, what=f"field {scope}", path=(*path, _FIELDS), changes=changes)
    for field, before, where in matched:
        changed, breaking = _difference(_form(old, before), _form(new, field))
        if changed:
            changes.add(f"the field `{scope}{field.name}` changes {changed}", where, breaking=breaking)
        if breaking:
            numbers.retire(before.number)
            fresh.append(field)
        else:
            field.number = before.number
            field.options.CopyFrom(before.options)
    for each in fresh:
        each.number = numbers.next()
    for each in old.field:
        if each.name not in declared:
            numbers.retire(each.number)
    for first, last in numbers.ranges():
        new.reserved_range.add(start=first, end=last + 1)
    new.reserved_name.extend(sorted({*old.reserved_name, *(each.name for each in old.field)} - declared))
    new.field.sort(key=lambda each: each.number)


_Form = tuple[str, str, str, bool]


def _difference(was: _Form, now: _Form) -> tuple[str, bool]:
    """Say what of a field changes, and whether that breaks anybody; nothing when nothing does."""
    for index, what in enumerate(("its cardinality", "its type")):
        if was[index] != now[index]:
            return f"{what} from {was[index]} to {now[index]}", True
    if was[2] != now[2]:
        return "the oneof it belongs to", True
    return ("" if was == now else "its presence: proto says `optional`, so that zero and absent differ"), False


def _form(message: DescriptorProto, field: FieldDescriptorProto) -> _Form:
    """Return cardinality, type, oneof, and whether absent can be told from zero."""
    entry = next((each for each in message.nested_type if _is_entry(each, field)), None)
    if entry is not None:
        return "map", f"map<{type_text(entry.field[0])}, {type_text(entry.field[1])}>", "", False
    if field.label == _F.LABEL_REPEATED:
        return "repeated", type_text(field), "", False
    inside = field.HasField("oneof_index") and not field.proto3_optional
    oneof = message.oneof_decl[field.oneof_index].name if inside else ""
    return "singular", type_text(field), oneof, field.proto3_optional and field.type != _F.TYPE_MESSAGE


def _is_entry(nested: DescriptorProto, field: FieldDescriptorProto) -> bool:
    return nested.options.map_entry and field.type_name.endswith(f".{nested.name}")


def _enums(
    new: RepeatedCompositeFieldContainer[EnumDescriptorProto],
    old: RepeatedCompositeFieldContainer[EnumDescriptorProto],
    path: Path,
    scope: str,
    changes: Changes,
) -> None:
    for enum, before, where in pairs(new, old, what=f"enum {scope}", path=path, changes=changes):
        enum.options.CopyFrom(before.options)
        _values(enum, before, where, f"{scope}{enum.name}.", changes)


def _values(new: EnumDescriptorProto, old: EnumDescriptorProto, path: Path, scope: str, changes: Changes) -> None:
    numbers = Numbers((each.number for each in old.value), ((each.start, each.end) for each in old.reserved_range))
    known = {each.name for each in old.value}
    declared = {each.name for each in new.value}
    fresh = [each for each in new.value if each.name not in known]
    matched = pairs(new.value, old.value, what=f"value {scope}", path=(*path, _VALUES), changes=changes)
    for value, before, _ in matched:
        value.number = before.number
        value.options.CopyFrom(before.options)
    for each in fresh:
        each.number = numbers.next()
    for each in old.value:
        if each.name not in declared:
            numbers.retire(each.number)
    for first, last in numbers.ranges():
        new.reserved_range.add(start=first, end=last)
    new.reserved_name.extend(sorted({*old.reserved_name, *known} - declared))
    # The zero value stands first: proto3 insists.
    new.value.sort(key=lambda each: (each.number != 0, each.number))


def _methods(new: ServiceDescriptorProto, old: ServiceDescriptorProto, path: Path, changes: Changes) -> None:
    what = f"rpc {new.name}."
    for method, before, where in pairs(new.method, old.method, what=what, path=(*path, _METHODS), changes=changes):
        method.options.CopyFrom(before.options)
        facts = (
            ("kind", _kind(before.client_streaming, before.server_streaming),
             _kind(method.client_streaming, method.server_streaming)),
            ("message", before.input_type, method.input_type),
            ("reply", before.output_type, method.output_type),
        )  # fmt: skip
        for word, was, now in facts:
            if was != now:
                text = f"the rpc `{new.name}.{method.name}` changes its {word} from {was} to {now}"
                changes.add(text, where, breaking=True)


def _kind(streams_in: object, streams_out: object) -> str:
    if streams_in:
        return "bidi stream" if streams_out else "client stream"
    return "server stream" if streams_out else "unary"
