"""Operations, services and messages as a file descriptor, numbered in the order of declaration.

`hardy.schema.proto._numbers` then puts in the numbers of the checked-in file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
)

from hardy.core import BuildFailed, Diagnostic, Place
from hardy.schema.proto._comments import doc_of, lines_of
from hardy.schema.proto._members import Member, members
from hardy.schema.proto._names import pascal, pascal_value, screaming, snake, unique
from hardy.schema.proto._service import Rpc, Service
from hardy.schema.proto._shapes import Choice, Leaf, Message, Moment, OneOf, Scalar, Slot, Span, Wrapper
from hardy.schema.proto._types import Types, case_names, collect, has_message, is_message_slot, reply_slot

_F = FieldDescriptorProto
TIMESTAMP = ".google.protobuf.Timestamp"
DURATION = ".google.protobuf.Duration"
EMPTY = ".google.protobuf.Empty"
IMPORTS = {
    TIMESTAMP: "google/protobuf/timestamp.proto",
    DURATION: "google/protobuf/duration.proto",
    EMPTY: "google/protobuf/empty.proto",
}
_SCALARS = {
    bool: _F.TYPE_BOOL,
    int: _F.TYPE_INT64,
    float: _F.TYPE_DOUBLE,
    str: _F.TYPE_STRING,
    bytes: _F.TYPE_BYTES,
}


@dataclass(slots=True)
class Draft:
    """A file descriptor and the comments that belong to its parts, by full name."""

    file: FileDescriptorProto
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def draft(services: Sequence[Service], *, file_name: str) -> Draft:
    """Return the descriptor of *services* and of everything they speak of.

    Raises:
        BuildFailed: With every type that proto cannot carry (H0621) and every
            service that does not fit the file (H0625).
    """
    faults = _misfits(services)
    types = collect(services, faults)
    if faults:
        raise BuildFailed(faults)
    return _Writer(services, types, file_name).write()


def _misfits(services: Sequence[Service]) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    for service in services:
        place = next((rpc.operation.place for rpc in service.rpcs), None)
        if not service.package:
            faults.append(_misfit(f"the service `{service.name}` has no package", service, place))
        elif service.package != services[0].package:
            title = f"`{service.name}` and `{services[0].name}` cannot share a file: their packages differ"
            faults.append(_misfit(title, service, place))
        names = [rpc.name for rpc in service.rpcs]
        faults += [
            Diagnostic(
                code="H0625",
                title=f"`{service.name}` has two methods named `{name}`",
                place=place,
                helps=("give one of them another name",),
            )
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
    return faults


def _misfit(title: str, service: Service, place: Place | None) -> Diagnostic:
    return Diagnostic(
        code="H0625",
        title=title,
        place=place,
        helps=(f"name it with a package and a version, each package in a file of its own: `{_versioned(service)}`",),
    )


def _versioned(service: Service) -> str:
    return f"{service.package or snake(service.short_name) + '.v1'}.{service.short_name}"


class _Writer:
    def __init__(self, services: Sequence[Service], types: Types, file_name: str) -> None:
        self.services = services
        self.types = types
        self.package = services[0].package if services else ""
        self.draft = Draft(FileDescriptorProto(name=file_name, package=self.package, syntax="proto3"))
        self.comments = self.draft.comments

    def write(self) -> Draft:
        file = self.draft.file
        for service in self.services:
            self._service(service)
        for type_ in self.types.messages:
            self._message(file.message_type.add(), f".{self.package}", self.types.names[type_], type_)
        for choice in self.types.enums:
            assert choice.cls is not None
            name = self.types.names[choice.cls]
            self.comments[f".{self.package}.{name}"] = doc_of(choice.cls)
            _enum(file.enum_type.add(), name, choice)
        for rpc, slot in self.types.wrapped:
            name = self.types.names[rpc]
            made = file.message_type.add(name=name)
            self.comments[f".{self.package}.{name}"] = (f"What {rpc.name} answers.",)
            _Fields(self, made, f".{self.package}.{name}", []).add("value", slot)
        for message in file.message_type:
            finish(message)
        file.dependency.extend(sorted(imports_of(file)))
        return self.draft

    def _service(self, service: Service) -> None:
        made = self.draft.file.service.add(name=service.short_name)
        for rpc in service.rpcs:
            self.comments[f".{service.name}.{rpc.name}"] = _rpc_comment(rpc)
            made.method.append(
                MethodDescriptorProto(
                    name=rpc.name,
                    input_type=self._named(Message(rpc.operation.message)) if has_message(rpc.operation) else EMPTY,
                    output_type=self._reply(rpc),
                    client_streaming=rpc.operation.kind.streams_in,
                    server_streaming=rpc.operation.kind.streams_out,
                )
            )

    def _reply(self, rpc: Rpc) -> str:
        slot = reply_slot(rpc.operation)
        if slot is None:
            return EMPTY
        if is_message_slot(slot) and isinstance(slot.leaf, Message):
            return self._named(slot.leaf)
        return f".{self.package}.{self.types.names[rpc]}"

    def _named(self, message: Message) -> str:
        return f".{self.package}.{self.types.names[message.type]}"

    def _message(self, made: DescriptorProto, scope: str, name: str, type_: object) -> None:
        made.name = name
        full = f"{scope}.{name}"
        self.comments[full] = doc_of(type_)
        known = members(type_)
        nested = _Fields(self, made, full, known)
        for each in known:
            self.comments[f"{full}.{each.name}"] = lines_of(each.field.doc)
            nested.add(each.name, each.slot)


@dataclass(frozen=True, slots=True)
class _Path:
    """What the nested types of a field are named after."""

    base: str
    """The field: a Literal or a union has its name."""
    suffixes: str = ""

    @property
    def wrapper(self) -> str:
        return self.base + self.suffixes

    def into(self, suffix: str) -> "_Path":
        return _Path(self.base, self.suffixes + suffix)


class _Fields:
    """Adds fields to one message, and beside them the nested types they need."""

    def __init__(self, writer: _Writer, message: DescriptorProto, full: str, known: Iterable[Member]) -> None:
        self.writer = writer
        self.message = message
        self.full = full
        self.taken = {entry_name(each.name) for each in known if each.slot.key}

    def add(self, name: str, slot: Slot) -> None:
        self._field((self.message, self.full), name, slot, _Path(pascal(name)))

    def _field(self, owner: tuple[DescriptorProto, str], name: str, slot: Slot, path: _Path) -> None:
        message, full = owner
        made = message.field.add(name=name, number=len(message.field) + 1, label=_F.LABEL_OPTIONAL)
        if slot.key is not None:
            entry = message.nested_type.add(name=entry_name(name))
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=_F.LABEL_OPTIONAL, type=_SCALARS[slot.key])
            value = entry.field.add(name="value", number=2, label=_F.LABEL_OPTIONAL)
            self._leaf(value, slot.leaf, path)
            made.label, made.type, made.type_name = _F.LABEL_REPEATED, _F.TYPE_MESSAGE, f"{full}.{entry.name}"
            return
        self._leaf(made, slot.leaf, path)
        if slot.many:
            made.label = _F.LABEL_REPEATED
        elif made.type != _F.TYPE_MESSAGE:
            made.proto3_optional = True

    def _leaf(self, made: FieldDescriptorProto, leaf: Leaf, path: _Path) -> None:
        if isinstance(leaf, Choice):
            made.type, made.type_name = _F.TYPE_ENUM, self._choice(leaf, path.base)
        elif isinstance(leaf, Scalar):
            made.type = _SCALARS[leaf.python]
        elif isinstance(leaf, Message | Moment | Span | OneOf | Wrapper):
            made.type, made.type_name = _F.TYPE_MESSAGE, self._composite(leaf, path)
        else:
            made.type = _F.TYPE_STRING

    def _choice(self, leaf: Choice, base: str) -> str:
        if leaf.cls is not None:
            return f".{self.writer.package}.{self.writer.types.names[leaf.cls]}"
        name = self._free(base)
        _enum(self.message.enum_type.add(), name, leaf)
        return f"{self.full}.{name}"

    def _composite(self, leaf: Message | Moment | Span | OneOf | Wrapper, path: _Path) -> str:
        if isinstance(leaf, Message):
            return self.writer._named(leaf)
        if isinstance(leaf, OneOf):
            return self._one_of(leaf, path.base)
        if isinstance(leaf, Wrapper):
            inner = path.into(leaf.suffix)
            name = self._free(inner.wrapper)
            made = self.message.nested_type.add(name=name)
            self._field((made, f"{self.full}.{name}"), "value", leaf.slot, inner)
            return f"{self.full}.{name}"
        return TIMESTAMP if isinstance(leaf, Moment) else DURATION

    def _one_of(self, leaf: OneOf, base: str) -> str:
        name = self._free(base)
        made = self.message.nested_type.add(name=name)
        made.oneof_decl.add(name="kind")
        for number, (case, member) in enumerate(zip(case_names(leaf), leaf.members, strict=True), 1):
            made.field.add(
                name=case,
                number=number,
                label=_F.LABEL_OPTIONAL,
                type=_F.TYPE_MESSAGE,
                type_name=self.writer._named(member),
                oneof_index=0,
            )
        return f"{self.full}.{name}"

    def _free(self, name: str) -> str:
        name = unique([name], str, "", self.taken)[0]
        self.taken.add(name)
        return name


def _enum(made: EnumDescriptorProto, name: str, choice: Choice) -> None:
    made.name = name
    made.value.add(name=f"{screaming(name)}_UNSPECIFIED", number=0)
    for number, label in enumerate(value_names(choice), 1):
        made.value.add(name=f"{screaming(name)}_{label}", number=number)


def value_names(choice: Choice) -> list[str]:
    """Return the names of an enum's values without their prefix."""
    return unique((screaming(label) for label, _, _ in choice.members), pascal_value, "_", ["UNSPECIFIED"])


def _rpc_comment(rpc: Rpc) -> tuple[str, ...]:
    prose = lines_of(rpc.operation.doc)
    return (*prose, *(("",) if prose and rpc.comment else ()), *rpc.comment)


def entry_name(field: str) -> str:
    """Return the name protoc gives the entries of a map."""
    return f"{pascal(field)}Entry"


def finish(message: DescriptorProto) -> None:
    """Write down what protoc derives: the one-member oneof of each ``optional`` field, after the real ones."""
    real = sum(not each.name.startswith("_") for each in message.oneof_decl)
    del message.oneof_decl[real:]
    for each in message.field:
        if each.proto3_optional:
            each.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{each.name}")
    for nested in message.nested_type:
        finish(nested)


def imports_of(file: FileDescriptorProto) -> set[str]:
    """Return the files that *file* speaks of."""
    used = {each.type_name for message in file.message_type for each in _fields_in(message)}
    used |= {
        name for service in file.service for each in service.method for name in (each.input_type, each.output_type)
    }
    return {IMPORTS[each] for each in used if each in IMPORTS}


def _fields_in(message: DescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from message.field
    for nested in message.nested_type:
        yield from _fields_in(nested)
