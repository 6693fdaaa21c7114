"""Looks at statements go by: slow ones, and the same one again and again."""

import math
import time

from hardy.adapters.sql._notices import RepeatedStatement, SlowStatement, StatementEnded
from hardy.adapters.sql._statistics import Counts
from hardy.core import Notice, Notices


class Watch:
    """What every transaction of one database reports to.

    Args:
        counts: Where it is counted.
        slow: Seconds from which a statement is slow; never for infinity.
        repeats: How often a transaction may execute the same read; 0 for any number.
    """

    __slots__ = ("_counts", "_slow", "notices", "repeats")

    def __init__(self, counts: Counts, *, slow: float | None, repeats: int) -> None:
        self._counts = counts
        self._slow = math.inf if slow is None else slow
        self.repeats = repeats
        self.notices: Notices | None = None

    def ended(self, sql: str, operation: str, started: float, *, failed: bool) -> None:
        """Take note of a statement that was asked for at *started*."""
        seconds = time.monotonic() - started
        if slow := seconds >= self._slow:
            self._counts.slow += 1
        if self.notices is not None:
            kind = SlowStatement if slow else StatementEnded
            if self.notices.heard(kind):
                self.notices(kind(statement=sql, operation=operation, seconds=seconds, failed=failed))

    def repeated(self, sql: str, operation: str, times: int) -> None:
        """Tell that a transaction executes *sql* for the so-many-th time."""
        self._counts.repeated += 1
        self._tell(RepeatedStatement(statement=sql, operation=operation, times=times))

    def _tell(self, notice: Notice) -> None:
        if self.notices is not None:
            self.notices(notice)
