"""What the connection to the shared store has to tell."""

from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Level, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisConnected(Told):
    """There is a connection, for the first time or again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "the shared store is connected"

    server: str
    after: float
    """Seconds without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLost(Told):
    """There is no connection any more, or none could be made; trying goes on."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "the shared store cannot be reached"

    server: str
    error: str
