"""Finds every class that the services speak of, and gives each its name in the file."""

import typing
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from hardy.core import Diagnostic, Operation, Place
from hardy.schema.proto._members import members
from hardy.schema.proto._names import pascal, snake, unique
from hardy.schema.proto._service import Rpc, Service
from hardy.schema.proto._shapes import Choice, Leaf, Message, NoForm, OneOf, Slot, Wrapper, slot_of


@dataclass(slots=True)
class Types:
    """What the file must define, in the order in which it was met."""

    messages: list[object] = field(default_factory=list[object])
    enums: list[Choice] = field(default_factory=list[Choice])
    wrapped: list[tuple[Rpc, Slot]] = field(default_factory=list[tuple[Rpc, Slot]])
    """The rpcs whose reply is no message, and what the one field of their reply carries."""
    names: dict[Hashable, str] = field(default_factory=dict[Hashable, str])
    """The name of each class, and of the reply of each wrapped rpc."""


def has_message(operation: Operation) -> bool:
    """Whether a caller has anything to say; otherwise it sends ``google.protobuf.Empty``."""
    return bool(operation.parameters)


def reply_slot(operation: Operation) -> Slot | None:
    """Return what the reply is on the wire; ``None`` for ``google.protobuf.Empty``."""
    return None if operation.reply in {None, type(None)} else slot_of(operation.reply)


def is_message_slot(slot: Slot) -> bool:
    """Whether a reply of this shape is a message already and needs no wrapping."""
    return isinstance(slot.leaf, Message) and slot == Slot(slot.leaf)


def case_names(union: OneOf) -> list[str]:
    """Return the names of a union's members in its ``oneof``."""
    return unique((snake(base_name(each.type)) for each in union.members), str, "_")


def collect(services: Sequence[Service], faults: list[Diagnostic]) -> Types:
    """Return the types that *services* speak of; what proto cannot carry goes to *faults*."""
    collector = _Collector(faults)
    for service in services:
        for rpc in service.rpcs:
            collector.rpc(rpc)
    types = collector.types
    _name(types, [service.short_name for service in services])
    return types


class _Collector:
    def __init__(self, faults: list[Diagnostic]) -> None:
        self.types = Types()
        self.faults = faults
        self.met: set[Hashable] = set()

    def rpc(self, rpc: Rpc) -> None:
        if has_message(rpc.operation):
            self.message(rpc.operation.message, rpc.operation)
        try:
            slot = reply_slot(rpc.operation)
        except NoForm as refusal:
            self.fault(
                f"the reply of `{rpc.operation.name}`", refusal, Place.of(rpc.operation.function, highlight="->")
            )
            return
        if slot is None:
            return
        if not is_message_slot(slot):
            self.types.wrapped.append((rpc, slot))
        self.leaf(slot.leaf, rpc.operation)

    def leaf(self, leaf: Leaf, operation: Operation) -> None:
        if isinstance(leaf, Message):
            self.message(leaf.type, operation)
        elif isinstance(leaf, OneOf):
            for each in leaf.members:
                self.message(each.type, operation)
        elif isinstance(leaf, Wrapper):
            self.leaf(leaf.slot.leaf, operation)
        elif isinstance(leaf, Choice) and leaf.cls is not None and leaf.cls not in self.met:
            self.met.add(leaf.cls)
            self.types.enums.append(leaf)

    def message(self, type_: object, operation: Operation) -> None:
        key = type_
        if key in self.met:
            return
        self.met.add(key)
        self.types.messages.append(type_)
        refused: list[tuple[str, NoForm]] = []
        for each in members(type_, refused):
            self.leaf(each.slot.leaf, operation)
        source = operation.function if operation.synthesised and type_ is operation.message else _class(type_)
        for name, refusal in refused:
            self.fault(f"`{base_name(type_)}.{name}`", refusal, Place.of(source, highlight=name))

    def fault(self, where: str, refusal: NoForm, place: Place | None) -> None:
        title = f"{where} is `{refusal}`, which proto cannot carry"
        self.faults.append(Diagnostic(code="H0621", title=title, place=place, helps=(refusal.help,)))


def _class(type_: object) -> object:
    return typing.get_origin(type_) or type_


def base_name(type_: object) -> str:
    """Return a class's name as a message: ``Page[Order]`` is ``PageOrder``."""
    if not typing.get_args(type_):
        return pascal(getattr(type_, "__name__", None) or str(type_))
    arguments = (base_name(each) for each in typing.get_args(type_) if each is not Ellipsis)
    origin = typing.get_origin(type_)
    return pascal(getattr(origin, "__name__", None) or str(origin)) + "".join(arguments)


def _name(types: Types, taken: list[str]) -> None:
    """Name every type; of two that share a name, the later one by module is told apart by its module."""
    wanted: list[tuple[Hashable, object, str]] = [(each, each, base_name(each)) for each in types.messages]
    wanted += [(each.cls, each.cls, base_name(each.cls)) for each in types.enums]
    wanted += [(rpc, rpc.operation.function, f"{rpc.name}Reply") for rpc, _ in types.wrapped]
    used = set(taken)
    for key, thing, name in sorted(wanted, key=lambda each: (_home(each[1]), each[2])):
        chosen = next(each for each in _candidates(name, _home(thing)) if each not in used)
        used.add(chosen)
        types.names[key] = chosen


def _home(thing: object) -> tuple[str, str]:
    cls = _class(thing)
    return str(getattr(cls, "__module__", "")), str(getattr(cls, "__qualname__", ""))


def _candidates(name: str, home: tuple[str, str]) -> Iterator[str]:
    yield name
    module, qualname = home
    prefix = ""
    for part in reversed([*module.split("."), *qualname.replace("<locals>", "").split(".")[:-1]]):
        if part:
            prefix = pascal(part) + prefix
            yield prefix + name
    number = 2
    while True:
        yield f"{name}{number}"
        number += 1
