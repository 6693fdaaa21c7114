"""What the connection and the stores on it have done in this process, in numbers."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLimiterStatistics:
    """What this process was told by the limiter."""

    admitted: int
    refused: int
    failed: int
    """Times that the server could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisIdempotencyStatistics:
    """What this process was told by the store."""

    claimed: int
    """Keys under which a call was carried out here."""
    kept: int
    """Outcomes written."""
    found: int
    """Calls whose outcome was there already."""
    refused: int
    """Calls that came while another one was carried out under their key."""
