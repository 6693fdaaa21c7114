"""What a transaction on SQLite has read, so that it can be told whether all of it still holds."""

import sqlite3

from hardy.adapters.sql._sqlite_values import Column
from hardy.adapters.sql._statement import Statement
from hardy.adapters.sql._terms import Fetch, Outcome

MOST_STATEMENTS, MOST_ROWS = 100, 2_000
"""What is remembered of one transaction; one that has read more is not looked through again."""

Read = tuple[Statement, dict[str, Column], Fetch, list[tuple[object, ...]]]


class Reads:
    """The reads of a transaction that has not written yet.

    SQLite lets no transaction write once anybody else has written anything
    since its first read, be it a table that it never looked at. When what was
    read is read again, in the transaction that may write, and is the same, the
    first reads might as well have come now, and nothing is lost.
    """

    __slots__ = ("_kept", "_rows")

    def __init__(self) -> None:
        self._kept: list[Read] | None = []
        self._rows = 0

    def add(self, what: Statement, given: dict[str, Column], fetch: Fetch, outcome: Outcome) -> None:
        """Remember what a statement gave."""
        if self._kept is None:
            return
        self._rows += len(outcome.rows)
        if self._rows > MOST_ROWS or len(self._kept) == MOST_STATEMENTS:
            self.forget()
        else:
            self._kept.append((what, given, fetch, outcome.rows))

    def forget(self) -> None:
        """Remember nothing of this transaction any more."""
        self._kept = None

    @property
    def known(self) -> bool:
        """Whether everything that was read is remembered."""
        return self._kept is not None

    def hold(self, raw: sqlite3.Connection) -> bool:
        """Read everything again on *raw*; return whether it is the same."""
        return self._kept is not None and all(
            execute(raw, what.sql, given, fetch).rows == rows for what, given, fetch, rows in self._kept
        )


def execute(raw: sqlite3.Connection, sql: str, given: dict[str, Column], fetch: Fetch) -> Outcome:
    """Execute a statement, in the thread of its connection."""
    cursor = raw.execute(sql, given)
    try:
        if cursor.description is None or fetch == "none":
            rows: list[tuple[object, ...]] = cursor.fetchall() if cursor.description else []
            return Outcome((), [], max(cursor.rowcount, len(rows) if cursor.rowcount < 0 else 0))
        columns = tuple(each[0] for each in cursor.description)
        if fetch == "all":
            return Outcome(columns, cursor.fetchall(), max(cursor.rowcount, 0))
        row = cursor.fetchone()
        return Outcome(columns, [] if row is None else [row], 0)
    finally:
        cursor.close()
