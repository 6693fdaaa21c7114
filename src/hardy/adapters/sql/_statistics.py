"""What a database has done, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatistics:
    """Numbers since the database was opened, and as they are now."""

    connections: int
    idle: int
    """Connections that nobody uses now."""
    waiting: int
    """Sessions that wait for a connection or for their turn to write now."""
    statements: int
    commits: int
    rollbacks: int
    """Transactions undone because their block failed."""
    conflicts: int
    """Transactions ABORTED because what they had read was changed before they wrote."""


class Counts:
    """The same while they change; only the event loop's thread writes them."""

    __slots__ = ("commits", "conflicts", "rollbacks", "statements", "waiting")

    def __init__(self) -> None:
        self.statements = self.commits = self.rollbacks = self.conflicts = self.waiting = 0
