"""Prepared plans that make an object of each row."""

import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Literal, NewType, Union, cast
from uuid import UUID

from hardy.core import Error
from hardy.schema import Family, codec, family_of, fields

Read = Callable[[object], object]
Make = Callable[[tuple[object, ...]], object]


class MappingError(TypeError):
    """The columns of a statement and the class they should become do not fit.

    It is a defect of the service, so the caller sees "internal error" and the
    log has this.
    """


_plans: dict[tuple[object, tuple[str, ...]], Make] = {}
_MOST = 2000


def plan_for(type_: object, columns: tuple[str, ...]) -> Make:
    """Return what makes a *type_* of a row with *columns*; found out once.

    Raises:
        MappingError: A field has no column, or a column no field.
    """
    key = (type_, columns)
    make = _plans.get(key)
    if make is None:
        if len(_plans) >= _MOST:
            _plans.clear()
        make = _plans[key] = _plan(type_, columns)
    return make


def _plan(type_: object, columns: tuple[str, ...]) -> Make:
    family = family_of(type_)
    if family is None:
        return _scalar(type_, columns)
    known = {each.name: each for each in fields(type_) if each.init}
    name = _show(type_)
    missing = [each.name for each in known.values() if each.required and each.name not in columns]
    if missing:
        raise MappingError(f"{name} needs {_list(missing)}, and the statement gives {_list(columns)}")
    extra = [column for column in columns if column not in known]
    if extra:
        raise MappingError(f"{name} has no field for {_list(extra)}; select only what it has, or rename with `as`")
    if len(set(columns)) < len(columns):
        raise MappingError(f"the statement gives a column twice: {_list(columns)}")
    # A value that is of the field's very type already needs no reader.
    plan = [
        (column, _plain_type(known[column].type), _guarded(_reader(known[column].type), f"column `{column}` of {name}"))
        for column in columns
    ]
    made_by = dict if family is Family.TYPED_DICT else typing.get_origin(type_) or type_
    cls = cast("Callable[..., object]", made_by)

    def make(row: tuple[object, ...]) -> object:
        return cls(
            **{
                column: value if type(value) is plain else read(value)
                for (column, plain, read), value in zip(plan, row, strict=False)
            }
        )

    return make


def _plain_type(annotation: object) -> object:
    while typing.get_origin(annotation) is typing.Annotated or isinstance(annotation, NewType):
        annotation = annotation.__supertype__ if isinstance(annotation, NewType) else typing.get_args(annotation)[0]
    return annotation if annotation in _PLAIN else None


def _scalar(type_: object, columns: tuple[str, ...]) -> Make:
    if len(columns) != 1:
        raise MappingError(f"{_show(type_)} is made of one column, and the statement gives {_list(columns)}")
    read = _guarded(_reader(type_), f"column `{columns[0]}`")
    # A count, a sum, a maximum of nothing: SQL says NULL, and so does the answer.
    return lambda row: None if row[0] is None else read(row[0])


def _guarded(read: Read, where: str) -> Read:
    def guarded(value: object) -> object:
        try:
            return read(value)
        except (ValueError, TypeError, AttributeError, ArithmeticError, Error) as error:
            # Its text may quote the value, which may be anybody's secret.
            kind = "null" if value is None else type(value).__name__
            raise MappingError(f"{where} holds a {kind} that does not fit ({type(error).__name__})") from None

    return guarded


def _reader(annotation: object) -> Read:
    if isinstance(annotation, NewType):
        return _reader(annotation.__supertype__)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _reader(arguments[0])
    if origin in {Union, UnionType} and NoneType in arguments:
        rest = [each for each in arguments if each is not NoneType]
        inner = _reader(rest[0]) if len(rest) == 1 else _json(annotation)
        return lambda value: None if value is None else inner(value)
    if annotation in _READERS:
        return _READERS[annotation]
    if origin is Literal:
        return _one_of(arguments)
    if _is_enum(annotation):
        return _member_of(cast("type[Enum]", annotation))
    if origin in _COLLECTIONS and arguments and (origin is not tuple or arguments[1:] == (Ellipsis,)):
        return _collection(annotation, _COLLECTIONS[origin], arguments)
    return _json(annotation)


def _collection(annotation: object, kind: Callable[[Iterable[object]], object], arguments: Sequence[object]) -> Read:
    """Read an array of PostgreSQL's, or JSON."""
    text, item = _json(annotation), _reader(arguments[0])

    def read(value: object) -> object:
        if isinstance(value, list):
            return kind(None if each is None else item(each) for each in cast("list[object]", value))
        return text(value)

    return read


def _is_enum(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _member_of(kind: type[Enum]) -> Read:
    members: dict[object, object] = {each.value: each for each in kind}
    return lambda value: members[value] if value in members else kind(value)


def _json(annotation: object) -> Read:
    decode = codec(annotation).decode

    def read(value: object) -> object:
        return decode(value.encode() if isinstance(value, str) else cast("bytes", value))

    return read


def _one_of(choices: Sequence[object]) -> Read:
    def read(value: object) -> object:
        if value not in choices:
            raise ValueError
        return value

    return read


def _exactly(kind: type) -> Read:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _bool(value: object) -> bool:
    if value not in {0, 1}:
        raise ValueError
    return bool(value)


def _int(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():  # PostgreSQL's sum of bigint is numeric
        return int(value)
    raise TypeError


def _float(value: object) -> float:
    if type(value) is float:
        return value
    if type(value) is not int and not isinstance(value, Decimal):  # PostgreSQL's avg is numeric
        raise TypeError
    return float(value)


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    return UUID(bytes=value) if isinstance(value, bytes) else UUID(cast("str", value))


def _datetime(value: object) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(cast("str", value))
    # SQLite's own current_timestamp is UTC and does not say so.
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _date(value: object) -> date:
    return value if type(value) is date else date.fromisoformat(cast("str", value))


def _time(value: object) -> time:
    return value if isinstance(value, time) else time.fromisoformat(cast("str", value))


def _timedelta(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=_float(value))


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str | int):
        return Decimal(value)
    return Decimal(repr(_float(value)))


_PLAIN = frozenset({str, int, float, bytes, bool, UUID, Decimal, timedelta, date, time})
_COLLECTIONS: dict[object, Callable[[Iterable[object]], object]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}
_READERS: dict[object, Read] = {
    str: _exactly(str),
    int: _int,
    bytes: _exactly(bytes),
    float: _float,
    bool: _bool,
    object: lambda value: value,
    NoneType: _exactly(NoneType),
    UUID: _uuid,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
}


def _show(type_: object) -> str:
    return getattr(type_, "__name__", None) or str(type_)


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
