"""What a database has done, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatistics:
    """Numbers since the database was opened, and as they are now."""

    connections: int
    """Open now."""
    idle: int
    """Connections that nobody uses now."""
    waiting: int
    """Sessions that wait for a connection or for their turn to write now."""
    statements: int
    commits: int
    rollbacks: int
    """Transactions undone because their block failed."""
    conflicts: int
    """Transactions ABORTED because others did what they could not go together with."""
    slow: int = 0
    """Statements slower than `DatabaseSettings.slow_statement`."""
    repeated: int = 0
    """Times that a transaction executed the same read more often than `DatabaseSettings.repeats`."""
    lost: int = 0
    """Connections dropped because they were broken, or nobody knew what they were at."""


class Counts:
    """The same while they change; only the event loop's thread writes them."""

    __slots__ = ("commits", "conflicts", "lost", "repeated", "rollbacks", "slow", "statements", "waiting")

    def __init__(self) -> None:
        self.statements = self.commits = self.rollbacks = self.conflicts = self.waiting = 0
        self.slow = self.repeated = self.lost = 0
