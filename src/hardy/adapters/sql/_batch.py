"""Many rows for one table."""

import re
from collections.abc import Iterable
from typing import NamedTuple, cast

from hardy.schema import family_of, fields

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")


class Batch(NamedTuple):
    """What is inserted at once."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]

    @property
    def sql(self) -> str:
        """The same as a statement for one row, with ``?`` for values; also its name in notices."""
        marks = ", ".join("?" for _ in self.columns)
        return f"insert into {self.table} ({', '.join(self.columns)}) values ({marks})"  # noqa: S608  # names only


def batch_of(table: str, rows: Iterable[object]) -> Batch:
    """Return *rows* by their columns.

    Raises:
        TypeError: They are not of one kind, or names are none.
    """
    items = list(rows)
    if not items:
        return Batch(table, (), [])
    first = items[0]
    if isinstance(first, dict):
        columns = tuple(cast("dict[str, object]", first))
        kept = [_of_dict(each, columns) for each in items]
    else:
        kind = type(first)
        if family_of(kind) is None:
            raise TypeError(f"a row is an instance of a class with fields or a dict, and not a {kind.__name__}")
        columns = tuple(each.name for each in fields(kind))
        kept = [_of_instance(each, kind, columns) for each in items]
    wrong = [each for each in (table, *columns) if not _NAME.fullmatch(each)]
    if wrong:
        raise TypeError(f"`{wrong[0]}` is no name of a table or column")
    return Batch(table, columns, kept)


def _of_dict(row: object, columns: tuple[str, ...]) -> tuple[object, ...]:
    if not isinstance(row, dict) or cast("dict[str, object]", row).keys() != set(columns):
        raise TypeError(f"every row has to have the same columns: {', '.join(columns)}")
    found = cast("dict[str, object]", row)
    return tuple(found[column] for column in columns)


def _of_instance(row: object, kind: type, columns: tuple[str, ...]) -> tuple[object, ...]:
    if type(row) is not kind:
        raise TypeError(f"every row has to be a {kind.__name__}, and one is a {type(row).__name__}")
    return tuple(getattr(row, column) for column in columns)
