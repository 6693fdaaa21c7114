"""What the connection to the shared store has to tell."""

from dataclasses import dataclass

from hardy.core import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisConnected(Notice):
    """There is a connection, for the first time or again."""

    server: str
    after: float
    """Seconds without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLost(Notice):
    """There is no connection any more, or none could be made; trying goes on."""

    server: str
    error: str
