"""How much is let through in a time: the numbers, the algorithm, and the port of what counts."""

from dataclasses import dataclass
from math import ceil, inf
from typing import Protocol

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds, with so many at once.

    A bucket of *burst* tokens that fills up again by one every ``per / count``
    seconds: whatever window one looks at, no more than ``burst + count / per *
    seconds`` are let through in it.

    Raises:
        ValueError: The numbers say nothing that can be kept.

    Example:
        >>> Rate(100, per=60).burst
        100
        >>> Rate(100, per=60, burst=20).interval
        600000
    """

    count: int
    """How many may pass in *per* seconds, in the long run."""
    per: float
    """Seconds."""
    burst: int = 0
    """How many may pass at once; *count* when left out."""

    def __post_init__(self) -> None:
        if not self.burst:
            object.__setattr__(self, "burst", self.count)
        if self.count < 1 or self.burst < 1 or not 0 < self.per < inf:
            raise ValueError("a rate lets at least 1 through, in more than 0 seconds")
        if self.count > self.per * _MICROSECONDS:
            raise ValueError("a rate lets at most 1 through in a microsecond")

    @property
    def interval(self) -> int:
        """Microseconds after which one more may pass: a whole number, rounded up, so that never one too many does."""
        return ceil(self.per * _MICROSECONDS / self.count)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether one may pass, and how much is left.

    Example:
        >>> Admission(allowed=True, limit=20, remaining=19, reset_after=0.6).retry_after
    """

    allowed: bool
    limit: int
    """How many may pass at once: the rate's burst."""
    remaining: int
    """How many more may pass right now."""
    reset_after: float
    """Seconds until *limit* may pass at once again."""
    retry_after: float | None = None
    """Seconds until this may pass; ``None`` when it was allowed, infinite when it never may."""


class Limiter(Protocol):
    """Counts who passes: the port that rate limits need.

    A component that several processes share yields one of it, such as
    ``RedisLimiter``; `MemoryLimiter` counts in one process and says so by its
    attribute ``process_local = True``.

    Whatever counts by `gcra` and keeps what it remembers for each key for
    ``reset_after`` seconds fulfils it. To be exact among several processes
    reading, deciding and writing is one step of the store, and the clock is the store's own.
    """

    async def admit(self, key: str, rate: Rate, *, cost: int = 1) -> Admission:
        """Let one pass, or tell when it may; one round trip to the store.

        What is refused takes nothing away.

        Args:
            key: Who is counted: texts of any length and characters. Rates of the same key should be
                the same; where they are not, what was taken under one counts under the other.
            rate: How much may pass.
            cost: How many it counts for, at least 1. More than the rate's burst is never allowed.

        Raises:
            Unavailable: The store cannot be asked, or takes too long to answer. What then happens is
                for the caller to say, so a store that is slow has to raise this soon: within a
                fraction of a second, and never later than the deadline of the current call.
        """
        ...


def gcra(taken: int | None, now: int, rate: Rate, cost: int = 1) -> tuple[int | None, Admission]:
    """Decide by the generic cell rate algorithm; all that is remembered of a key is one moment.

    It is the leaky bucket as a meter, in the form of virtual scheduling (ITU-T
    I.371, annex A; the moment is the "theoretical arrival time"), the way
    Brandur Leach's *throttled* and *redis-cell* tell it: the bucket is full again at *taken*.

    A clock that is set back cannot lock anybody out: a moment further away than a bucket
    takes to fill is one from before the jump, and the bucket counts as empty. A clock set forward
    fills the bucket, never beyond its burst.

    Args:
        taken: The moment remembered of the key, in microseconds of any clock; ``None`` for nothing.
        now: The moment of this decision by the same clock.
        rate: How much may pass.
        cost: How many this counts for.

    Returns:
        The moment to remember, ``None`` when it stays, and the decision.

    Example:
        >>> twice = Rate(2, per=1)
        >>> moment, first = gcra(None, 0, twice)
        >>> moment, second = gcra(moment, 0, twice)
        >>> gcra(moment, 0, twice)
        (None, Admission(allowed=False, limit=2, remaining=0, reset_after=1.0, retry_after=0.5))
    """
    interval, burst = rate.interval, rate.burst
    full = burst * interval
    start = now if taken is None else min(max(taken, now), now + full)
    then = start + cost * interval
    wait = then - full - now
    if wait > 0:
        left, reset = (full - (start - now)) // interval, start - now
        retry = inf if cost > burst else wait / _MICROSECONDS
        return None, Admission(False, burst, left, reset / _MICROSECONDS, retry)
    return then, Admission(True, burst, -wait // interval, (then - now) / _MICROSECONDS)
