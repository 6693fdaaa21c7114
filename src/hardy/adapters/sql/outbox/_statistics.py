"""What an outbox has done, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatistics:
    """Numbers of this process since the start, and of the whole table as last seen by its relay."""

    written: int
    """Events that calls of this process have published."""
    sent: int
    """Events that this process has handed on."""
    retried: int
    died: int
    rounds: int
    waiting: int
    """Events in the table that are not sent yet."""
    dead: int
    """Dead letters in the table."""
    lag: float
    """Seconds since the oldest waiting event was written."""
    held_back: int
    """Committed events that wait because an older transaction is still open (PostgreSQL)."""
    held_for: float
    """Seconds since the oldest of those was written."""


class Counts:
    """The same while they change; only the event loop's thread writes them."""

    __slots__ = ("died", "retried", "rounds", "sent", "written")

    def __init__(self) -> None:
        self.written = self.sent = self.retried = self.died = self.rounds = 0
