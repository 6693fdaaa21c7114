"""A page of rows, and the cursor that leads to the next: by key and never by offset."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, cast
from zlib import crc32

from hardy.core import Error, InvalidArgument
from hardy.schema import Codec, codec, family_of, fields

T = TypeVar("T")

_KEY = re.compile(r"([A-Za-z_]\w*)(?:\s+(asc|desc))?", re.IGNORECASE)
_LIMIT = "page_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows of many, and where they go on."""

    items: Sequence[T]
    next: str | None
    """The cursor of the next page; ``None`` when this one is the last. Opaque: clients only give it back."""


class Keyset:
    """The order of the rows of a page, and where it begins.

    Args:
        keys: Columns of the statement, each of them ``"name"`` or ``"name desc"``; together
            they must be unique and none may be null, so end with the primary key. They
            are fields of what the rows become. An index on the same columns makes every
            page cost the same, however far it is.
        limit: Rows of a page.
        after: The cursor that came with the page before; ``None`` for the first page.

    Raises:
        ValueError: A key is no column, or the limit is not positive.

    Example:
        >>> Keyset("placed desc", "id", limit=50).keys
        (('placed', True), ('id', False))
    """

    __slots__ = ("after", "keys", "limit")

    def __init__(self, *keys: str, limit: int = 50, after: str | None = None) -> None:
        found = [_KEY.fullmatch(each.strip()) for each in keys]
        if not keys or None in found:
            raise ValueError(f"keys are columns, as in Keyset('placed desc', 'id'), not {', '.join(keys) or 'nothing'}")
        if limit < 1:
            raise ValueError("a page has at least one row")
        self.keys = tuple((each[1], (each[2] or "").lower() == "desc") for each in found if each is not None)
        self.limit = limit
        self.after = after


class Query(NamedTuple):
    """What is asked of the database for a page."""

    sql: str
    given: dict[str, object]


def query_for(type_: object, sql: str, keyset: Keyset) -> Query:
    """Return the statement for one page of *sql*, with one row more than it has.

    Raises:
        InvalidArgument: The cursor is none of this statement's.
        TypeError: A key is no field of *type_*.
    """
    _codec(type_, keyset)  # says now and not on the second page that a key is no field
    given: dict[str, object] = {_LIMIT: keyset.limit + 1}
    where = ""
    if keyset.after is not None:
        values = _decode(type_, keyset, keyset.after)
        names = [f"page_key_{number}" for number in range(len(values))]
        given.update(zip(names, values, strict=True))
        where = f" where {_after(keyset, names)}"
    order = ", ".join(f"{name} desc" if down else name for name, down in keyset.keys)
    inner = sql.strip().rstrip(";")
    whole = f"select * from (\n{inner}\n) as page{where} order by {order} limit :{_LIMIT}"  # noqa: S608  # theirs, and names
    return Query(whole, given)


def page_of(type_: type[T], keyset: Keyset, items: list[T]) -> Page[T]:
    """Return the page that *items*, with the one too many, make up."""
    if len(items) <= keyset.limit:
        return Page(items=items, next=None)
    kept = items[: keyset.limit]
    return Page(items=kept, next=_encode(type_, keyset, kept[-1]))


def _after(keyset: Keyset, names: list[str]) -> str:
    """Return the condition for rows behind the values called *names*."""
    keys = keyset.keys
    directions = {down for _, down in keys}
    if len(directions) == 1:  # one comparison of rows, which an index answers
        sign = "<" if directions.pop() else ">"
        return f"({', '.join(name for name, _ in keys)}) {sign} ({', '.join(f':{each}' for each in names)})"
    ways: list[str] = []
    for place, (name, down) in enumerate(keys):
        same = [f"{before} = :{names[at]}" for at, (before, _) in enumerate(keys[:place])]
        ways.append(" and ".join([*same, f"{name} {'<' if down else '>'} :{names[place]}"]))
    # The first comparison alone bounds what an index is searched for.
    name, down = keys[0]
    return f"{name} {'<=' if down else '>='} :{names[0]} and (({') or ('.join(ways)}))"


def _types(type_: object, keyset: Keyset) -> tuple[object, ...]:
    known = {each.name: each.type for each in fields(type_)} if family_of(type_) is not None else {}
    missing = [name for name, _ in keyset.keys if name not in known]
    if missing:
        raise TypeError(f"{getattr(type_, '__name__', type_)} has no field {', '.join(missing)} to order a page by")
    return tuple(known[name] for name, _ in keyset.keys)


def _mark(keyset: Keyset) -> int:
    return crc32(repr(keyset.keys).encode()) & 0xFFFF


def _encode(type_: object, keyset: Keyset, item: object) -> str:
    values: list[object] = []
    for name, _ in keyset.keys:
        value = cast("dict[str, object]", item)[name] if isinstance(item, dict) else getattr(item, name)
        if value is None:
            raise TypeError(f"`{name}` is null in a row, so that no page can be ordered by it")
        values.append(value)
    raw = _codec(type_, keyset).encode((_mark(keyset), *values))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(type_: object, keyset: Keyset, cursor: str) -> tuple[object, ...]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        mark, *values = cast("tuple[object, ...]", _codec(type_, keyset).decode(raw))
    except (binascii.Error, ValueError, Error):
        raise InvalidArgument("this is no cursor of this list", field="after") from None
    if mark != _mark(keyset):
        raise InvalidArgument("this is the cursor of another list", field="after")
    return tuple(values)


_codecs: dict[object, Codec[object]] = {}


def _codec(type_: object, keyset: Keyset) -> Codec[object]:
    key = (type_, keyset.keys)
    found = _codecs.get(key)
    if found is None:
        found = _codecs[key] = codec(cast("object", tuple.__class_getitem__((int, *_types(type_, keyset)))))
    return found
