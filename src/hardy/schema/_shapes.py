"""What a type is once it is read: a tree that every walk over messages shares.

A type is read once, at build, by `hardy.schema._read`; collecting faults,
guarding, renaming and describing are four walks over the same tree.
"""

import builtins
from dataclasses import dataclass, field

from hardy.schema._families import Family, Field

Limits = dict[str, object]


@dataclass(slots=True, eq=False)
class Scalar:
    """One value that is a number, text, boolean or null in JSON."""

    type: object
    """As msgspec takes it: with its ``Meta``."""
    python: builtins.type
    limits: Limits


@dataclass(slots=True, eq=False)
class Choice:
    """One of a few values: an Enum or a Literal."""

    type: object
    values: tuple[object, ...]
    """As they are in JSON."""
    name: str = ""
    """Of an Enum's class."""
    doc: str = ""


@dataclass(slots=True, eq=False)
class Anything:
    """Any JSON value."""

    type: object


@dataclass(slots=True, eq=False)
class Many:
    """A list, set or tuple of any length."""

    type: object
    item: "Shape"
    limits: Limits
    unique: bool


@dataclass(slots=True, eq=False)
class Row:
    """A tuple of a fixed length."""

    type: object
    items: "tuple[Shape, ...]"


@dataclass(slots=True, eq=False)
class Mapping:
    """A JSON object whose members are data."""

    type: object
    key: "Shape"
    value: "Shape"
    limits: Limits


@dataclass(slots=True, eq=False)
class Nullable:
    """Null, absent, or a value."""

    type: object
    inner: "Shape"
    null: bool = True
    """Whether null may be written; a type that may only be left out (``UnsetType``) has no null."""


@dataclass(slots=True, eq=False)
class Member:
    """One field of a record."""

    field: Field
    shape: "Shape"
    native: str
    """The member's name as msgspec or pydantic has it, before hardy's renaming."""

    @property
    def wire(self) -> str:
        """The member's name in JSON."""
        return self.field.wire_name


@dataclass(slots=True, eq=False)
class Record:
    """A JSON object whose members are the fields of a class."""

    type: object
    """The class, or the alias of a generic one."""
    cls: builtins.type
    family: Family
    members: list[Member] = field(default_factory=list[Member])
    """Filled in after the record is known, for a class may hold itself."""
    tag: tuple[str, object] | None = None
    """Member and value that tell a tagged Struct."""
    hook: bool = False
    """Whether making one runs code of the user's that may refuse it."""


@dataclass(slots=True, eq=False)
class OneOf:
    """One of several tagged Structs."""

    type: object
    tag_field: str
    cases: dict[object, Record]


Shape = Scalar | Choice | Anything | Many | Row | Mapping | Nullable | Record | OneOf


def children(shape: Shape) -> tuple[Shape, ...]:
    """The shapes directly inside *shape*."""
    match shape:
        case Many():
            return (shape.item,)
        case Row():
            return shape.items
        case Mapping():
            return (shape.key, shape.value)
        case Nullable():
            return (shape.inner,)
        case Record():
            return tuple(member.shape for member in shape.members)
        case OneOf():
            return tuple(shape.cases.values())
        case _:
            return ()


def reachable(shape: Shape) -> list[Shape]:
    """*shape* and everything inside it, each once."""
    found: dict[int, Shape] = {}
    waiting = [shape]
    while waiting:
        each = waiting.pop()
        if id(each) not in found:
            found[id(each)] = each
            waiting.extend(children(each))
    return list(found.values())
