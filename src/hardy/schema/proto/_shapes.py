"""What a Python type is on the wire, before any number or name is given to it.

Proto has no list of lists, no null in a list and no absent list. Wherever a
type needs one, its shape holds a `Wrapper`: a message around one value.
"""

import collections.abc
import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from dataclasses import dataclass

import msgspec
import typing_extensions

from hardy.core import is_message_type


@dataclass(frozen=True, slots=True)
class Scalar:
    """``bool``, ``int``, ``float``, ``str`` or ``bytes``."""

    python: type


@dataclass(frozen=True, slots=True)
class Text:
    """A value that goes as the string JSON has for it: UUID, Decimal, date, time."""

    python: type


@dataclass(frozen=True, slots=True)
class Moment:
    """A ``datetime``: ``google.protobuf.Timestamp``."""


@dataclass(frozen=True, slots=True)
class Span:
    """A ``timedelta``: ``google.protobuf.Duration``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An ``Enum``, or a ``Literal`` of strings: a proto enum."""

    cls: type[enum.Enum] | None
    members: tuple[tuple[str, object, object], ...]
    """Of each: its label, the Python value, and the value in JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """A class of named fields; parametrised where it is generic."""

    type: object


@dataclass(frozen=True, slots=True)
class OneOf:
    """A union of tagged Structs."""

    members: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A message of one field ``value``."""

    slot: "Slot"
    suffix: str


Leaf = Scalar | Text | Moment | Span | Choice | Message | OneOf | Wrapper


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of a message."""

    leaf: Leaf
    many: bool = False
    key: type | None = None
    """Of a map, ``int`` or ``str``: what its keys are on the wire."""
    none: bool = False
    """Whether an absent field is ``None``."""


class NoForm(Exception):
    """A type that proto cannot carry.

    Args:
        type_: The part of the annotation that is at fault.
        help: What to write in its place.
    """

    def __init__(self, type_: object, help: str) -> None:
        super().__init__(show(type_))
        self.help = help


_SCALARS: tuple[type, ...] = (bool, int, float, str, bytes)
_TEXTS: tuple[type, ...] = (uuid.UUID, decimal.Decimal, dt.date, dt.time)
_MANY = {
    list, set, frozenset, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Collection,
    collections.abc.Set, collections.abc.MutableSet, collections.abc.Iterable,
}  # fmt: skip
_MAPS = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
_MARKS = {typing.Annotated, typing.Required, typing.NotRequired, typing.Final, typing_extensions.ReadOnly}


def slot_of(annotation: object) -> Slot:
    """Return the field that carries a value of the type *annotation*.

    Raises:
        NoForm: Proto cannot carry it.
    """
    annotation = _bare(annotation)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return _union(annotation, arguments)
    if origin is typing.Literal:
        return _literal(annotation, arguments)
    if is_message_type(annotation):
        return _message(annotation)
    if (origin or annotation) is tuple:
        return _tuple(annotation, arguments)
    if (origin or annotation) in _MANY:
        if not arguments:
            raise NoForm(annotation, f"say of what: `{show(annotation)}[str]`")
        return Slot(as_leaf(slot_of(arguments[0]), "Item"), many=True)
    if (origin or annotation) in _MAPS:
        return _map(annotation, arguments)
    return Slot(_leaf(annotation))


def _bare(annotation: object) -> object:
    """Take off what says more about a type than which it is."""
    while True:
        if isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing_extensions.TypeAliasType):
            annotation = annotation.__value__
        elif typing.get_origin(annotation) in _MARKS:
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.TypeVar) and annotation.__bound__ is not None:
            annotation = annotation.__bound__
        else:
            return annotation


def _leaf(annotation: object) -> Leaf:
    for python in _SCALARS:
        if annotation is python:
            return Scalar(python)
    for python in _TEXTS:
        if annotation is python:
            return Text(python)
    if annotation is dt.datetime:
        return Moment()
    if annotation is dt.timedelta:
        return Span()
    if isinstance(annotation, type) and issubclass(cls := typing.cast("type[object]", annotation), enum.Enum):
        return _enum(cls)
    if isinstance(annotation, typing.TypeVar):
        raise NoForm(annotation, "say what it stands for where the class is used: `Page[Order]`")
    raise NoForm(annotation, "use a class of named fields, or one of the types that `hardy explain H0621` lists")


def _enum(annotation: type[enum.Enum]) -> Choice:
    if issubclass(annotation, enum.Flag):
        raise NoForm(annotation, "use a set of an Enum: `set[Permission]`")
    members = tuple(annotation)
    if not members:
        raise NoForm(annotation, "give the enum a member")
    return Choice(annotation, tuple((each.name, each, each.value) for each in members))


def _literal(annotation: object, arguments: tuple[object, ...]) -> Slot:
    rest = tuple(each for each in arguments if each is not None)
    none = len(rest) < len(arguments)
    if rest and all(isinstance(each, str) for each in rest):
        return Slot(Choice(None, tuple((str(each), each, each) for each in rest)), none=none)
    if rest and all(type(each) is int for each in rest):
        return Slot(Scalar(int), none=none)
    raise NoForm(annotation, "a Literal is all of strings or all of whole numbers")


def _message(annotation: object) -> Slot:
    cls = typing.get_origin(annotation) or annotation
    if cls is annotation and getattr(cls, "__parameters__", None):
        raise NoForm(annotation, f"say what its parameters are: `{show(annotation)}[Order]`")
    return Slot(Message(annotation))


def _tuple(annotation: object, arguments: tuple[object, ...]) -> Slot:
    items = {each for each in arguments if each is not Ellipsis}
    if len(items) != 1:
        raise NoForm(annotation, "use a dataclass for values of several types, `tuple[str, ...]` for many of one")
    return Slot(as_leaf(slot_of(items.pop()), "Item"), many=True)


def _map(annotation: object, arguments: tuple[object, ...]) -> Slot:
    if len(arguments) != 2:
        raise NoForm(annotation, f"say of what: `{show(annotation)}[str, int]`")
    key = slot_of(arguments[0])
    if key.many or key.none or not isinstance(key.leaf, Scalar | Text | Choice) or key.leaf in _NO_KEYS:
        raise NoForm(annotation, "use `str`, `int`, an Enum, UUID or date as the keys of a map")
    number = key.leaf == Scalar(int)
    return Slot(as_leaf(slot_of(arguments[1]), "Value"), key=int if number else str)


_NO_KEYS = (Scalar(bool), Scalar(float), Scalar(bytes))


def _union(annotation: object, arguments: tuple[object, ...]) -> Slot:
    rest = [each for each in arguments if each is not types.NoneType and each is not msgspec.UnsetType]
    if not rest:
        raise NoForm(annotation, "a field that is always None says nothing; leave it out")
    slot = slot_of(rest[0]) if len(rest) == 1 else Slot(OneOf(tuple(_case(annotation, each) for each in rest)))
    return nullable(slot) if types.NoneType in arguments else slot


def _case(annotation: object, case: object) -> Message:
    cls = typing.get_origin(case) or case
    if tag_of(cls) is None:
        raise NoForm(annotation, "a union is of msgspec Structs: `class Card(Struct, tag=True)`")
    return Message(case)


def tag_of(cls: object) -> tuple[str, object] | None:
    """Return name and value of the tag of a Struct; none for what has none."""
    if not (isinstance(cls, type) and issubclass(cls, msgspec.Struct)):
        return None
    config = cls.__struct_config__
    return None if config.tag is None else (config.tag_field or "type", config.tag)


def nullable(slot: Slot) -> Slot:
    """Return *slot* made able to say ``None``."""
    if slot.many or slot.key or slot.none:
        slot = Slot(Wrapper(slot, "Value"))
    return Slot(slot.leaf, none=True)


def as_leaf(slot: Slot, suffix: str) -> Leaf:
    """Return *slot* as something that can stand in a list or a map."""
    return Wrapper(slot, suffix) if slot.many or slot.key or slot.none else slot.leaf


def show(annotation: object) -> str:
    """Return a type as a person writes it."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
