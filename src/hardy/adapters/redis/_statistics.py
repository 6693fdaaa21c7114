"""What the connection has done, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisStatistics:
    """Numbers since it was opened, and how it is now."""

    connected: bool
    connections: int
    """How often a connection was made: more than one means that some were lost."""
    commands: int
    writes: int
    """Batches that commands left in; far fewer than commands under load."""
    failures: int
    """Commands that found no connection, lost it, or had no answer in time."""
