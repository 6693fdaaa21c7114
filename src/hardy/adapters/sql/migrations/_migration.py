"""A migration as the code has it, and as a database remembers it."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from hardy.adapters.sql.migrations._places import shown
from hardy.adapters.sql.migrations._statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of a schema's history."""

    name: str
    """``0002_add_index``; under it the database remembers that it was applied."""
    kind: Literal["step", "sql", "python"]
    """A part of hardy's own tables, SQL, or a revision written in Python."""
    checksum: str
    """Of what it does; what undoes it does not count."""
    path: Path | None = None
    up: tuple[Statement, ...] = ()
    down: tuple[Statement, ...] | None = None
    """``None`` when it cannot be undone, or when it is written in Python."""
    atomic: bool = True
    """Whether it is one transaction; one that is not is executed statement by statement, each repeatable."""

    @property
    def source(self) -> str:
        """Where it is written."""
        return "hardy" if self.path is None else shown(self.path)

    @property
    def number(self) -> int:
        """Its place in the line; 0 for hardy's own."""
        return number_of(self.name)


def number_of(name: str) -> int:
    """Return the number that a name begins with; 0 for hardy's own.

    Example:
        >>> number_of("0012_add_index"), number_of("hardy_jobs_0001")
        (12, 0)
    """
    digits = re.match(r"\d+", name)
    return int(digits.group()) if digits else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a database remembers of a migration."""

    name: str
    checksum: str
    applied_at: datetime | None
    """``None`` while it is under way; only one that is no transaction is ever seen like this."""
    statements: int = 0
    """How many of its statements are done, of one that is under way."""
