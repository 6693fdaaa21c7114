"""Writes a file descriptor as the text of a .proto file."""

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.message import Message

HEADER = """\
// Written by `hardy gen proto` from the code: names, types and comments follow it.
// The numbers are owned by this file. Rename here by hand, at the same time as in
// the code; never renumber. Then run `hardy gen proto` again.
"""
_F = FieldDescriptorProto
_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in _F.Type.items()
    if number not in {_F.TYPE_MESSAGE, _F.TYPE_ENUM, _F.TYPE_GROUP}
}
Comments = Mapping[str, tuple[str, ...]]


def text_of(file: FileDescriptorProto, comments: Comments) -> str:
    """Return the text of *file*, each part under its comment.

    Args:
        file: With real numbers and reserved ranges.
        comments: Lines by full name: ``.orders.v1.Order.sku``.
    """
    return "\n".join(_Text(comments).file(file)) + "\n"


class _Text:
    def __init__(self, comments: Comments) -> None:
        self.comments = comments

    def file(self, file: FileDescriptorProto) -> Iterator[str]:
        yield HEADER
        yield 'syntax = "proto3";\n'
        yield f"package {file.package};"
        if file.dependency:
            yield ""
            yield from (f'import "{each}";' for each in file.dependency)
        if options := list(_statements(file.options)):
            yield from ("", *options)
        scope = f".{file.package}"
        for service in file.service:
            yield ""
            yield from self.block(f"service {service.name}", f"{scope}.{service.name}", self.service(service, scope))
        for message in file.message_type:
            yield ""
            yield from self.message(message, scope)
        for enum in file.enum_type:
            yield ""
            yield from self.enum(enum, scope)

    def block(self, head: str, name: str, body: Iterable[str]) -> Iterator[str]:
        yield from self.comment(name)
        lines = list(body)
        if not lines:
            yield f"{head} {{}}"
            return
        yield f"{head} {{"
        yield from (f"  {line}" if line else "" for line in lines)
        yield "}"

    def comment(self, name: str) -> Iterator[str]:
        yield from (f"// {line}".rstrip() for line in self.comments.get(name, ()))

    def service(self, service: ServiceDescriptorProto, scope: str) -> Iterator[str]:
        yield from _statements(service.options)
        for number, each in enumerate(service.method):
            lines = [*self.comment(f"{scope}.{service.name}.{each.name}"), _method(each)]
            if number and len(lines) > 1:
                yield ""
            yield from lines

    def message(self, message: DescriptorProto, scope: str) -> Iterator[str]:
        full = f"{scope}.{message.name}"
        yield from self.block(f"message {message.name}", full, self.members(message, full))

    def members(self, message: DescriptorProto, full: str) -> Iterator[str]:
        yield from _statements(message.options)
        yield from _reserved([(each.start, each.end - 1) for each in message.reserved_range], message.reserved_name)
        for enum in message.enum_type:
            yield from (*self.enum(enum, full), "")
        entries = {f"{full}.{each.name}": each for each in message.nested_type if each.options.map_entry}
        for nested in message.nested_type:
            if not nested.options.map_entry:
                yield from (*self.message(nested, full), "")
        oneofs_done: set[int] = set()
        for each in message.field:
            if not each.HasField("oneof_index") or each.proto3_optional:
                yield from self.field(each, full, entries)
            elif each.oneof_index not in oneofs_done:
                oneofs_done.add(each.oneof_index)
                inside = [other for other in message.field if _in_oneof(other, each.oneof_index)]
                body = (line for other in inside for line in self.field(other, full, entries))
                yield from self.block(f"oneof {message.oneof_decl[each.oneof_index].name}", "", body)

    def field(self, each: FieldDescriptorProto, full: str, entries: Mapping[str, DescriptorProto]) -> Iterator[str]:
        yield from self.comment(f"{full}.{each.name}")
        entry = entries.get(each.type_name)
        if entry is not None:
            kind = f"map<{type_text(entry.field[0])}, {type_text(entry.field[1])}>"
        elif each.label == _F.LABEL_REPEATED:
            kind = f"repeated {type_text(each)}"
        else:
            kind = f"optional {type_text(each)}" if each.proto3_optional else type_text(each)
        yield f"{kind} {each.name} = {each.number}{_inline(each.options)};"

    def enum(self, enum: EnumDescriptorProto, scope: str) -> Iterator[str]:
        yield from self.block(f"enum {enum.name}", f"{scope}.{enum.name}", self.values(enum, f"{scope}.{enum.name}"))

    def values(self, enum: EnumDescriptorProto, full: str) -> Iterator[str]:
        yield from _statements(enum.options)
        yield from _reserved([(each.start, each.end) for each in enum.reserved_range], enum.reserved_name)
        for each in enum.value:
            yield from self.comment(f"{full}.{each.name}")
            yield f"{each.name} = {each.number}{_inline(each.options)};"


def type_text(field: FieldDescriptorProto) -> str:
    """Return a field's type as written: ``int64`` or ``.orders.v1.Order``."""
    return field.type_name or _SCALARS[field.type]


def _in_oneof(field: FieldDescriptorProto, index: int) -> bool:
    return field.HasField("oneof_index") and field.oneof_index == index and not field.proto3_optional


def _method(each: MethodDescriptorProto) -> str:
    sent = f"{'stream ' if each.client_streaming else ''}{each.input_type}"
    answered = f"{'stream ' if each.server_streaming else ''}{each.output_type}"
    return f"rpc {each.name}({sent}) returns ({answered}){_block(each.options)}"


def _block(options: Message) -> str:
    inside = "".join(f" option {each};" for each in _options(options))
    return f" {{{inside} }}" if inside else ";"


def _inline(options: Message) -> str:
    inside = ", ".join(_options(options))
    return f" [{inside}]" if inside else ""


def _statements(options: Message) -> Iterator[str]:
    yield from (f"option {each};" for each in _options(options))


def _options(options: Message) -> Iterator[str]:
    for field, value in options.ListFields():
        if field.is_repeated or field.type == FieldDescriptor.TYPE_MESSAGE:
            continue
        if field.enum_type is not None:
            yield f"{field.name} = {field.enum_type.values_by_number[value].name}"
        elif field.type == FieldDescriptor.TYPE_BOOL:
            yield f"{field.name} = {str(value).lower()}"
        else:
            yield f'{field.name} = "{value}"' if isinstance(value, str) else f"{field.name} = {value}"


_HIGHEST = {536_870_911, 2_147_483_647}  # of fields, of enum values


def _reserved(ranges: Iterable[tuple[int, int]], names: Iterable[str]) -> Iterator[str]:
    numbers = ", ".join(_range(first, last) for first, last in ranges)
    if numbers:
        yield f"reserved {numbers};"
    quoted = ", ".join(f'"{name}"' for name in names)
    if quoted:
        yield f"reserved {quoted};"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {'max' if last in _HIGHEST else last}"
