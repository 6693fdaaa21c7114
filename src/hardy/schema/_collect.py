"""The second pass: every fault of a decoded JSON value, with its pointer.

Runs only after msgspec has refused, or for values that Python code made. Of a
scalar msgspec itself is asked, so that the two never disagree; this file adds
the rules that msgspec does not have, and the words.
"""

import datetime as dt
import math
import re
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from hardy.core import Fault
from hardy.schema import _pydantic, _wording as words
from hardy.schema._families import Family
from hardy.schema._pointer import step
from hardy.schema._rename import Rename, distinct
from hardy.schema._shapes import Anything, Choice, Many, Mapping, Nullable, OneOf, Record, Row, Scalar, Shape

MOST = 100
"""How many faults are told at most."""


_SURROGATE = re.compile("[\ud800-\udfff]")


BUDGET = 20_000
"""How many values of a refused message are looked at: a caller must not buy seconds of work with one wrong item."""


class Full(Exception):
    """Enough faults were found, or enough was looked at."""


class Collector:
    """Finds every fault of values of one shape.

    Args:
        rename: Takes JSON values to the names that msgspec knows.
        lax: Whether text may stand for numbers, booleans and null.
        budget: How many values are looked at; none for all.
    """

    def __init__(self, rename: Rename, *, lax: bool = False, budget: int | None = None) -> None:
        self.left = float("inf") if budget is None else budget
        self.rename = rename
        self.lax = lax
        self.found: list[Fault] = []

    def collect(self, shape: Shape, raw: object) -> list[Fault]:
        """Return the faults of *raw*, at most a hundred."""
        try:
            self.visit(shape, raw, "")
        except Full:
            pass
        except RecursionError:
            self.found.append(Fault("", words.TOO_DEEP))
        return self.found

    def add(self, pointer: str, detail: str) -> None:
        fault = Fault(pointer, detail)
        self.found.append(fault)
        if len(self.found) >= MOST:
            raise Full

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Full

    def visit(self, shape: Shape, raw: object, pointer: str) -> None:
        self.spend()
        match shape:
            case Scalar():
                self.scalar(shape, raw, pointer)
            case Choice():
                if not self.converts(raw, shape.type):
                    self.add(pointer, words.one_of(shape.values) if raw is not None else "must not be null")
            case Anything():
                for fault in breaches(raw, pointer):
                    self.add(fault.pointer, fault.detail)
            case Many():
                self.many(shape, raw, pointer)
            case Row():
                self.row(shape, raw, pointer)
            case Mapping():
                self.mapping(shape, raw, pointer)
            case Nullable():
                self.nullable(shape, raw, pointer)
            case Record():
                self.record(shape, raw, pointer)
            case OneOf():
                self.one_of(shape, raw, pointer)

    def converts(self, raw: object, type_: object, *, key: bool = False) -> bool:
        try:
            _convert(raw, type_, strict=not self.lax, key=key)
        except (msgspec.ValidationError, OverflowError):
            return False
        return True

    def scalar(self, shape: Scalar, raw: object, pointer: str, *, key: bool = False) -> None:
        if isinstance(raw, words.Huge) and shape.python is Decimal:
            raw = raw.digits
        strict = shape.python in words.MOMENTS or not self.lax  # "20240101" is no date, though msgspec reads a number
        try:
            told = list(beyond(_convert(raw, shape.type, strict=strict, key=key)))
        except (msgspec.ValidationError, OverflowError) as error:
            value = _without_limits(shape, raw, strict=strict, key=key)
            told = list(words.broken(shape, raw, value)) or [words.from_msgspec(str(error))]
        for detail in told:
            self.add(pointer, detail)

    def many(self, shape: Many, raw: object, pointer: str) -> None:
        if not isinstance(raw, list | tuple | set | frozenset):
            self.add(pointer, "must be a list" if raw is not None else "must not be null")
            return
        items = typing.cast("list[object]", raw)
        # What is in a set twice is there once.
        counted = distinct(items) if shape.unique and shape.limits else items
        for detail in words.lengths(shape.limits, counted, "item"):
            self.add(pointer, detail)
        for at, item in enumerate(items):
            self.visit(shape.item, item, step(pointer, at))

    def row(self, shape: Row, raw: object, pointer: str) -> None:
        if not isinstance(raw, list | tuple) or len(typing.cast("list[object]", raw)) != len(shape.items):
            self.add(pointer, f"must be a list of {len(shape.items)} items" if raw is not None else "must not be null")
            return
        for at, (inner, item) in enumerate(zip(shape.items, typing.cast("list[object]", raw), strict=True)):
            self.visit(inner, item, step(pointer, at))

    def mapping(self, shape: Mapping, raw: object, pointer: str) -> None:
        if not isinstance(raw, dict):
            self.add(pointer, "must be an object" if raw is not None else "must not be null")
            return
        members = typing.cast("dict[str, object]", raw)
        for detail in words.lengths(shape.limits, members, "member"):
            self.add(pointer, detail)
        for name, value in members.items():
            where = step(pointer, name)
            before = len(self.found)
            self.key(shape.key, name, where)
            if len(self.found) == before:
                self.visit(shape.value, value, where)

    def key(self, shape: Shape, name: str, pointer: str) -> None:
        if isinstance(shape, Scalar):
            self.scalar(shape, name, pointer, key=True)
        elif not self.converts(name, shape.type, key=True):
            values = shape.values if isinstance(shape, Choice) else ()
            self.add(pointer, words.one_of(values))

    def nullable(self, shape: Nullable, raw: object, pointer: str) -> None:
        if raw is None and shape.null:
            return
        text_for_null = self.lax and isinstance(raw, str) and raw.lower() == "null" and shape.null
        if text_for_null and self.converts(raw, shape.type):
            return
        self.visit(shape.inner, raw, pointer)

    def record(self, shape: Record, raw: object, pointer: str) -> None:
        if not isinstance(raw, dict):
            self.add(pointer, "must be an object" if raw is not None else "must not be null")
            return
        members = typing.cast("dict[str, object]", raw)
        if shape.family is Family.PYDANTIC:
            self.model(shape, members, pointer)
            return
        before = len(self.found)
        if shape.tag is not None and members.get(shape.tag[0], shape.tag[1]) != shape.tag[1]:
            self.add(step(pointer, shape.tag[0]), words.one_of([shape.tag[1]]))
        for member in shape.members:
            if member.wire in members:
                self.visit(member.shape, members[member.wire], step(pointer, member.wire))
            elif member.field.required:
                self.add(step(pointer, member.wire), words.MISSING)
        if shape.hook and len(self.found) == before:
            self.made(shape, members, pointer)

    def made(self, shape: Record, members: dict[str, object], pointer: str) -> None:
        """Make one, for its class has rules of its own that only it can check."""
        try:
            msgspec.convert(
                self.rename.inward(shape, members),
                shape.type,
                strict=not self.lax,
                str_keys=True,
                dec_hook=decode_hook,
            )
        except msgspec.ValidationError as error:
            text = str(error)
            text = str(error).partition(" - at `")[0]
            # attrs names the field first: 'quantity' must be >= 1, or as the first of a tuple.
            named = [each for each in shape.members if re.match(rf"""\(?"?'{each.field.name}'""", text)]
            self.add(step(pointer, named[0].wire) if named else pointer, text)

    def model(self, shape: Record, members: dict[str, object], pointer: str) -> None:
        native = self.rename.inward(shape, members)
        try:
            value = _pydantic.from_builtins(shape.cls, native)
        except UnicodeEncodeError:
            faults = [Fault(pointer, words.SURROGATE)]
        except ValueError as error:
            if not _pydantic.is_failure(error):
                raise
            faults = list(_pydantic.faults_of(error, pointer, lambda loc: self.rename.path(shape, loc)))
        else:
            dumped = self.rename.outward(shape, _pydantic.to_python_values(value))
            faults = list(breaches(dumped, pointer))
        for fault in faults:
            self.add(fault.pointer, fault.detail)

    def one_of(self, shape: OneOf, raw: object, pointer: str) -> None:
        if not isinstance(raw, dict):
            self.add(pointer, "must be an object" if raw is not None else "must not be null")
            return
        members = typing.cast("dict[str, object]", raw)
        tag = members.get(shape.tag_field, words.MISSING)
        where = step(pointer, shape.tag_field)
        if shape.tag_field not in members:
            self.add(where, words.MISSING)
        elif isinstance(tag, str | int) and not isinstance(tag, bool) and tag in shape.cases:
            self.record(shape.cases[tag], members, pointer)
        else:
            self.add(where, words.one_of(list(shape.cases)))


def _convert(raw: object, type_: object, *, strict: bool, key: bool) -> object:
    if key:
        made = msgspec.convert({raw: None}, dict[type_, None], str_keys=True, strict=strict)  # type: ignore[valid-type]  # made at run time
        return next(iter(made))
    return msgspec.convert(raw, type_, strict=strict)


def _without_limits(shape: Scalar, raw: object, *, strict: bool, key: bool) -> object:
    try:
        return _convert(raw, shape.python, strict=strict, key=key)
    except (msgspec.ValidationError, OverflowError):
        return None


def beyond(value: object) -> Iterator[str]:
    """Say which of the rules that msgspec does not have a value breaks."""
    for type_, sound, detail in _RULES:
        if isinstance(value, type_) and not sound(value):
            yield detail


_RULES: tuple[tuple[type, Callable[[typing.Any], bool], str], ...] = (
    (int, lambda value: words.LOWEST <= value <= words.HIGHEST, words.INT64),
    (float, math.isfinite, words.FINITE),
    (str, lambda value: value.isascii() or not _SURROGATE.search(value), words.SURROGATE),
    (Decimal, Decimal.is_finite, words.FINITE),
    (dt.datetime, lambda value: value.tzinfo is not None, words.OFFSET),
    (words.Huge, lambda _: False, words.FLOAT64),
)


def breaches(value: object, pointer: str = "") -> Iterator[Fault]:
    """Find what no message may hold in a value without a type of its own."""
    if isinstance(value, dict):
        for name, inner in typing.cast("dict[object, object]", value).items():
            where = step(pointer, name)
            if isinstance(name, str):
                yield from (Fault(where, detail) for detail in beyond(name))
            yield from breaches(inner, where)
    elif isinstance(value, list | tuple | set | frozenset):
        for at, inner in enumerate(typing.cast("list[object]", value)):
            yield from breaches(inner, step(pointer, at))
    else:
        yield from (Fault(pointer, detail) for detail in beyond(value))


def decode_hook(type_: type, raw: object) -> object:
    """Make what msgspec does not know: a model of pydantic inside another class."""
    if type_ is object:
        return raw
    if _pydantic.is_model(type_):
        return _pydantic.from_builtins(type_, raw)
    raise NotImplementedError(f"no JSON form for {type_!r}")
