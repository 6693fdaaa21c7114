"""What a breaker notices."""

from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Level, Notice, Told
from hardy.resilience._breaker_counts import BreakerCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Told):
    """A peer does not answer; it is not asked for a while. Told once, until it answers again."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "a breaker opened"

    name: str
    counts: BreakerCounts
    """Which made it open."""
    error: BaseException | None
    """The last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(Notice):
    """The while is over; some calls may try whether the peer answers. The log does not tell: it may go on for long."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerReopened(Notice):
    """One that tried got no answer either; the peer is not asked for another while."""

    name: str
    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Told):
    """The peer answers again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "a breaker closed"

    name: str
    seconds: float
    """Since it opened for the first time."""
