"""Reads a type into its shape, reporting everything JSON cannot carry at once."""

import collections.abc
import dataclasses
import datetime as dt
import enum
import types
import typing
from decimal import Decimal
from uuid import UUID

import msgspec
import typing_extensions

from hardy.core import Diagnostic, Place
from hardy.schema._case import JsonCase
from hardy.schema._constraints import limits_of
from hardy.schema._families import Family, Field, annotations_of, family_of, fields, has_hook
from hardy.schema._refusals import Refusals
from hardy.schema._shapes import Anything, Choice, Many, Mapping, Member, Nullable, OneOf, Record, Row, Scalar, Shape

SCALARS = (
    bool, int, float, str, bytes, Decimal, UUID, dt.date, dt.time, dt.datetime, dt.timedelta, types.NoneType,
)  # fmt: skip
_LISTS = {
    list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Collection,
    collections.abc.Iterable,
}  # fmt: skip
_SETS = {set, frozenset, collections.abc.Set, collections.abc.MutableSet}
_MAPS = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
_KEYS: set[object] = {str, int, UUID, dt.date, dt.datetime}
_UNIONS: set[object] = {typing.Union, types.UnionType}
_ABSENT: set[object] = {types.NoneType, msgspec.UnsetType}


def read(
    type_: object,
    *,
    what: str,
    place: Place | None = None,
    json_case: JsonCase = "snake",
    known: dict[object, Record] | None = None,
) -> tuple[Shape, list[Diagnostic]]:
    """Return the shape of *type_* and everything that is wrong with it.

    Args:
        what: What the type is of, for the diagnostics: "the reply of `get_order`".
        place: Where to point when the fault is not inside a class of the user's.
        known: The records read before, when several types shall share them.
    """
    reader = _Reader(Refusals(what, place), json_case, {} if known is None else known)
    shape = reader.read(type_)
    if not reader.refusals.found:
        reader.refusals.backstop(type_)
    return shape, reader.refusals.found


class _Reader:
    def __init__(self, refusals: Refusals, json_case: JsonCase, known: dict[object, Record]) -> None:
        self.refusals = refusals
        self.json_case: JsonCase = json_case
        self.known = known
        self.inside_models: dict[object, Record] = {}

    def read(self, type_: object) -> Shape:
        bare, metas = _unwrapped(type_)
        self.refusals.foreign_constraints(metas)
        constraints = tuple(each for each in metas if isinstance(each, msgspec.Meta))
        limits = limits_of(constraints)
        if limits and self.refusals.mute:
            self.refusals.ignored_by_pydantic(constraints)
        origin = typing.get_origin(bare) or bare
        arguments = typing.get_args(bare)
        if limits:
            self.refusals.misfit(origin, arguments, metas)
        if family_of(bare) is not None:
            return self._record(bare)
        if origin in _UNIONS:
            return self._union(bare, arguments)
        if origin is typing.Literal:
            return self._literal(bare, arguments)
        if bare is typing.Any or bare is object:
            return Anything(bare)
        for python in SCALARS:
            if bare is python or (bare is None and python is types.NoneType):
                return self._scalar(type_, python, limits)
        if isinstance(bare, type) and issubclass(bare, enum.Enum):
            return self._enum(bare)
        return self._container(type_, bare, limits)  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a class of anything

    def _scalar(self, type_: object, python: type, limits: dict[str, object]) -> Shape:
        metas = [each for each in _unwrapped(type_)[1] if isinstance(each, msgspec.Meta)]
        if any(each.tz is False for each in metas):
            self.refusals.naive()
        return Scalar(_for_msgspec(python, metas), python, limits)

    def _container(self, type_: object, bare: object, limits: dict[str, object]) -> Shape:
        origin = typing.get_origin(bare) or bare
        arguments = typing.get_args(bare)
        if origin is tuple and arguments and arguments[-1] is not ...:
            return Row(type_, tuple(self._inside(f"[{at}]", each) for at, each in enumerate(arguments)))
        if origin in _MAPS:
            key, value = arguments or (str, object)
            self._check_key(bare, key)
            return Mapping(type_, self._inside("{key}", key), self._inside("{}", value), limits)
        if origin in _LISTS or origin in _SETS or origin is tuple:
            item = self._inside("[]", arguments[0] if arguments else object)
            if origin in _SETS and not _hashable(item):
                self.refusals.unhashable(bare, item.type)
            return Many(type_, item, limits, unique=origin in _SETS)
        self.refusals.unknown(bare)
        return Anything(bare)

    def _check_key(self, bare: object, key: object) -> None:
        key, _ = _unwrapped(key)
        fine = key in _KEYS or (isinstance(key, type) and issubclass(key, enum.Enum))
        if typing.get_origin(key) is typing.Literal:
            fine = all(isinstance(each, str) for each in typing.get_args(key))
        if not fine:
            self.refusals.bad_key(bare, key)  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a class of anything

    def _inside(self, step: str, type_: object) -> Shape:
        with self.refusals.inside(step):
            return self.read(type_)

    def _enum(self, cls: type[enum.Enum]) -> Shape:
        values: tuple[object, ...] = tuple(each.value for each in cls)
        uniform = all(isinstance(each, str) for each in values) or all(type(each) is int for each in values)
        if issubclass(cls, enum.Flag) or not values or not uniform:
            self.refusals.bad_enum(cls)
        return Choice(cls, values, cls.__name__, cls.__dict__.get("__doc__") or "")

    def _literal(self, bare: object, arguments: tuple[object, ...]) -> Shape:
        values = tuple(each for each in arguments if each is not None)
        if {type(each) for each in values} not in ({str}, {int}):
            self.refusals.bad_literal(bare)
        choice = Choice(typing.Literal[values], values)
        return choice if len(values) == len(arguments) else Nullable(bare, choice)

    def _union(self, bare: object, arguments: tuple[object, ...]) -> Shape:
        rest = tuple(each for each in arguments if each not in _ABSENT)
        if len(rest) == len(arguments):
            return self._one_of(bare, rest)
        inner = self.read(rest[0]) if len(rest) == 1 else self._one_of(bare, rest)
        return Nullable(bare, inner, null=types.NoneType in arguments)

    def _one_of(self, bare: object, arguments: tuple[object, ...]) -> Shape:
        cases = [self.read(each) for each in arguments]
        tagged = [each for each in cases if isinstance(each, Record) and each.tag is not None]
        tags = {each.tag[1]: each for each in tagged if each.tag}
        names = {each.tag[0] for each in tagged if each.tag}
        if len(tags) < len(cases) or len(names) != 1:
            self.refusals.bad_union(bare, cases)
            return Anything(bare)
        return OneOf(bare, names.pop(), tags)

    def _record(self, type_: object) -> Shape:
        if type_ in self.known:
            return self.known[type_]
        cls = typing.cast("type", typing.get_origin(type_) or type_)
        family = typing.cast("Family", family_of(type_))
        record = self.known[type_] = Record(type_, cls, family, hook=has_hook(cls), tag=_tag_of(cls))
        with self.refusals.inside_class(cls):
            try:
                described = fields(type_, json_case=self.json_case)
                native = {each.name: each.wire_name for each in fields(type_)}
                hints = annotations_of(type_)
            except NameError as error:
                self.refusals.unresolved(cls, error)
                return record
            if family is not Family.PYDANTIC and type_ is cls and _parameters(cls):
                self.refusals.open_generic(cls)
                return record
            self.refusals.class_options(cls, family)
            for name, hint in hints.items():
                if isinstance(hint, dataclasses.InitVar):
                    self.refusals.init_var(name)
            for each in described:
                with self.refusals.inside(f".{each.name}"):
                    shape = self._member(family, each)
                record.members.append(Member(each, shape, native[each.name]))
        return record

    def _member(self, family: Family, field: Field) -> Shape:
        if family is not Family.PYDANTIC:
            self.refusals.field_options(field)
            return self.read(field.type)
        self.refusals.ignored_by_pydantic(field.constraints)
        known, self.known = self.known, self.inside_models
        try:
            with self.refusals.muted():  # pydantic has more types than JSON, and carries them itself
                return self.read(field.type)
        finally:
            self.known = known


def _unwrapped(type_: object) -> tuple[object, tuple[object, ...]]:
    """Take off names, aliases and ``Annotated``, keeping what stands in the latter."""
    metas: tuple[object, ...] = ()
    while True:
        if isinstance(type_, typing.NewType):
            type_ = type_.__supertype__
        elif isinstance(type_, typing_extensions.TypeAliasType):
            type_ = type_.__value__
        elif typing.get_origin(type_) is typing.Annotated:
            inner, *outer = typing.get_args(type_)
            type_, metas = inner, (*outer, *metas)
        elif isinstance(type_, typing.TypeVar) and type_.__bound__ is not None:
            type_ = type_.__bound__
        else:
            return type_, metas


def _for_msgspec(python: type, metas: list[msgspec.Meta]) -> object:
    return typing.Annotated[(python, *metas)] if metas else python


def _hashable(shape: Shape) -> bool:
    match shape:
        case Scalar() | Choice():
            return True
        case Row():
            return all(map(_hashable, shape.items))
        case Nullable():
            return _hashable(shape.inner)
        case Record():
            return shape.cls.__hash__ is not None and shape.family is not Family.TYPED_DICT
        case OneOf():
            return all(map(_hashable, shape.cases.values()))
        case Many():
            bare, _ = _unwrapped(shape.type)
            return (typing.get_origin(bare) or bare) in {tuple, frozenset} and _hashable(shape.item)
        case _:
            return False


def _tag_of(cls: type) -> tuple[str, object] | None:
    if not issubclass(cls, msgspec.Struct):
        return None
    config = cls.__struct_config__
    return None if config.tag is None else (config.tag_field or "type", config.tag)


def _parameters(cls: type) -> tuple[object, ...]:
    found: tuple[object, ...] = getattr(cls, "__parameters__", ())
    return found
