"""What is worth knowing about statements."""

from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Level, Notice, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEnded(Notice):
    """A statement was executed, well or not."""

    statement: str
    """The SQL, with its parameters' names and without their values."""
    operation: str
    """The operation whose call it was; empty outside of calls."""
    seconds: float
    """From being asked for to its answer, without waiting for a connection."""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStatement(StatementEnded, Told):
    """A statement took longer than `DatabaseSettings.slow_statement`."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "a statement was slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedStatement(Told):
    """One transaction executes the same reading statement again and again.

    It is the mark of a loop that asks for one row at a time (N+1): one statement
    with ``where id = any(:ids)`` or a join does the same in one round trip.
    """

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "a statement is executed again and again"

    statement: str
    operation: str
    times: int
    """How often by now; told once for each statement of a transaction."""
