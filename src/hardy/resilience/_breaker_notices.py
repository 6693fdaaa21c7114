"""What a breaker notices."""

from dataclasses import dataclass

from hardy.core import Notice
from hardy.resilience._breaker_counts import BreakerCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Notice):
    """A peer does not answer; it is not asked for a while."""

    name: str
    counts: BreakerCounts
    """Which made it open."""
    error: BaseException | None
    """The last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(Notice):
    """The while is over; some calls may try whether the peer answers."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Notice):
    """The peer answers again."""

    name: str
    seconds: float
    """Since it opened for the first time."""
