"""From the annotation of a setting to its kind."""

import collections.abc
import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from typing import Annotated, Literal, NewType, Union, cast

import msgspec

from hardy.config._kind import BadValue, Kind, Unreadable, constrained
from hardy.config._records import list_of, mapping_of, record_of
from hardy.config._scalars import SCALARS, member_of, of_unit, one_of
from hardy.config._secret import MASK, Secret
from hardy.config._units import Unit

_LISTS: dict[object, Callable[[list[object]], object]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: tuple,
}
_MAPPINGS = {dict, collections.abc.Mapping}
_ALLOWED = (
    "str, int, float, bool, bytes, Path, UUID, Decimal, date, time, datetime, timedelta, Duration, Size, Url, "
    "Secret[T], Literal, an Enum, T | None, list[T], tuple[T, ...], set[T], dict[str, T], or a dataclass of these"
)


def kind_of(hint: object) -> Kind:
    """Return the kind of what is annotated as *hint*.

    Raises:
        Unreadable: Settings cannot have this type.
    """
    bare, metas, unit = _peel(hint)
    if typing.get_origin(bare) in {Union, types.UnionType, Secret}:
        return _inner(bare, metas)
    return constrained(_bare(bare, unit), _checked_as(bare), metas)


def _peel(hint: object) -> tuple[object, list[msgspec.Meta], Unit | None]:
    """Take ``Annotated`` and ``NewType`` off; refuse a constraint that would be ignored."""
    metas: list[msgspec.Meta] = []
    unit: Unit | None = None
    while True:
        if isinstance(hint, NewType):
            hint = hint.__supertype__
        elif typing.get_origin(hint) is Annotated:
            hint, *marks = typing.get_args(hint)
            for mark in marks:
                if type(mark).__module__.partition(".")[0] == "annotated_types":
                    raise Unreadable(f"write the constraint {mark!r} with hardy.schema, such as hardy.schema.Ge(1)")
                if isinstance(mark, msgspec.Meta):
                    metas.append(mark)
                elif isinstance(mark, Unit):
                    unit = mark
        else:
            return hint, metas, unit


def _checked_as(bare: object) -> object:
    """Return the type that msgspec checks constraints on: of a collection its length only."""
    origin = typing.get_origin(bare)
    return tuple if origin is collections.abc.Sequence else origin if origin in {*_LISTS, *_MAPPINGS} else bare


def _inner(bare: object, metas: list[msgspec.Meta]) -> Kind:
    """Hand constraints that stand around ``Secret`` or ``| None`` to what is inside."""
    arguments = [each for each in typing.get_args(bare) if each is not types.NoneType]
    if len(arguments) != 1:
        raise Unreadable("a union of several types is ambiguous as text; use one type, or that type `| None`")
    inner = arguments[0]
    for meta in metas:
        inner = Annotated[inner, meta]
    kind = kind_of(inner)
    return _secret(kind) if typing.get_origin(bare) is Secret else _optional(kind)


def _bare(bare: object, unit: Unit | None) -> Kind:
    if unit is not None:
        return of_unit(unit)
    if bare in SCALARS:
        return SCALARS[bare]
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is Literal:
        return one_of(arguments)
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        return member_of(bare)
    if origin in _LISTS and (origin is not tuple or arguments[1:] == (...,)):
        return list_of(kind_of(arguments[0]), cast("type", origin).__name__.lower(), _LISTS[origin])
    if origin in _MAPPINGS and arguments[0] is str:
        return mapping_of(kind_of(arguments[1]))
    if isinstance(bare, type) and dataclasses.is_dataclass(bare):
        hints = typing.get_type_hints(bare, include_extras=True)
        return record_of(bare, {each.name: kind_of(hints[each.name]) for each in dataclasses.fields(bare)})
    raise Unreadable(f"a setting is {_ALLOWED}")


def _secret(kind: Kind) -> Kind:
    def read(raw: object) -> object:
        value = kind.read(raw)
        if value in ("", b""):
            raise BadValue("empty")
        return Secret(value)

    return dataclasses.replace(kind, name=f"secret {kind.name}", read=read, show=_masked, secret=True)


def _masked(_value: object) -> str:
    return MASK


def _optional(kind: Kind) -> Kind:
    def read(raw: object) -> object:
        return None if raw == "" else kind.read(raw)

    def show(value: object) -> str:
        return "" if value is None else kind.show(value)

    return dataclasses.replace(kind, read=read, show=show)
