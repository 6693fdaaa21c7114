"""A limiter that counts in this process."""

from collections import OrderedDict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hardy.core import Clock, SystemClock
from hardy.resilience._rate import Admission, Limiter, Rate, gcra

_MICROSECONDS = 1_000_000
_SWEPT = 2
"""Keys looked at for each decision: more than one, so that what is over is found faster than what is new comes."""


@dataclass(frozen=True, slots=True)
class LimiterStatistics:
    """What a limiter has decided, and what it remembers."""

    keys: int
    """Keys remembered now."""
    admitted: int
    refused: int
    evicted: int
    """Keys forgotten before their bucket was full again: not 0 means that *max_keys* is too small."""


class MemoryLimiter:
    """A `Limiter` that counts in this process: nothing to install, and exact for one process.

    Several workers or replicas would count on their own, each letting *rate*
    through, so that production refuses it beside them.

    What it remembers is bounded: a key is forgotten once its bucket is full
    again, and when there are too many, the one that has not been seen for longest. It reads the
    monotonic clock, so the wall clock may jump.

    Args:
        max_keys: How many keys are remembered at most; one takes about 200 bytes.
        clock: Tells the time; the app's own when it is managed by one.

    Example:
        >>> import asyncio
        >>> limiter = MemoryLimiter()
        >>> asyncio.run(limiter.admit("alice", Rate(100, per=60))).remaining
        99
    """

    port = Limiter
    process_local = True
    instead = "app.manage(RedisLimiter(redis)), from hardy.adapters.redis"
    worker_local = True

    def __init__(self, *, max_keys: int = 100_000, clock: Clock | None = None) -> None:
        if max_keys < 1:
            raise ValueError("a limiter remembers at least 1 key")
        self._max_keys = max_keys
        self._clock = clock or SystemClock()
        self._given = clock is not None
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._admitted = self._refused = self._evicted = 0

    def __repr__(self) -> str:
        return f"<MemoryLimiter: {len(self._full_at)} keys>"

    def wire(self, *, clock: Clock) -> None:
        """Take the app's *clock*, unless it was given one."""
        if not self._given:
            self._clock = clock

    async def __aenter__(self) -> Self:
        """Do nothing: memory is open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget everything."""
        self._full_at.clear()

    async def admit(self, key: str, rate: Rate, *, cost: int = 1) -> Admission:
        """Let one pass, or tell when it may; never waits.

        Raises:
            ValueError: *cost* is below 1.
        """
        if cost < 1:
            raise ValueError("what passes counts for at least 1")
        now = int(self._clock.monotonic() * _MICROSECONDS)
        remembered = self._full_at
        moment, admission = gcra(remembered.get(key), now, rate, cost)
        if moment is None:
            self._refused += 1
            if key in remembered:
                remembered.move_to_end(key)
        else:
            self._admitted += 1
            remembered[key] = moment
            remembered.move_to_end(key)
            self._tidy(now)
        return admission

    def _tidy(self, now: int) -> None:
        """Forget what is over among those seen longest ago, and one more where there are too many."""
        remembered = self._full_at
        for _ in range(_SWEPT):
            oldest = next(iter(remembered))
            if remembered[oldest] > now:
                break
            del remembered[oldest]
            if not remembered:
                return
        if len(remembered) > self._max_keys:
            remembered.popitem(last=False)
            self._evicted += 1

    def statistics(self) -> LimiterStatistics:
        """Return what it has decided, and how much it remembers."""
        return LimiterStatistics(
            keys=len(self._full_at), admitted=self._admitted, refused=self._refused, evicted=self._evicted
        )
