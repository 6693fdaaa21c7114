"""What is asked of a transaction, and what a statement gives."""

from typing import Literal, NamedTuple

from hardy.core import Deadline

Fetch = Literal["all", "one", "none"]
Dialect = Literal["sqlite", "postgresql"]
Isolation = Literal["read committed", "repeatable read", "serializable"]


class Terms(NamedTuple):
    """What whoever opens a transaction asks of it."""

    deadline: Deadline
    operation: str = ""
    """Whose call it is; empty outside of calls."""
    write: bool = False
    """Begin as a writer, even when the first statement only reads."""
    isolation: Isolation | None = None
    """``None`` is what the database does by itself."""
    read_only: bool = False
    replica: bool = False
    """A copy of the database will do."""


class Outcome:
    """What a statement gave."""

    __slots__ = ("columns", "count", "rows")

    def __init__(self, columns: tuple[str, ...], rows: "list[tuple[object, ...]]", count: int) -> None:
        self.columns = columns
        self.rows = rows
        self.count = count
        """Rows changed."""
