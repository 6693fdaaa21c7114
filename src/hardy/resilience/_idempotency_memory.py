"""A store of outcomes in this process."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from secrets import token_hex
from types import TracebackType
from typing import ClassVar, Self

from hardy.core import Clock, SystemClock
from hardy.resilience._idempotency import Claim, Claimed, IdempotencyStore, Kept

_RETRY_AFTER = 1.0


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    until: float
    token: str
    outcome: bytes | None = None


@dataclass(frozen=True, slots=True)
class MemoryIdempotencyStatistics:
    """What a store in memory holds."""

    claims: int
    """Keys under which a call is carried out."""
    outcomes: int
    """Keys with an outcome."""
    size: int
    """Bytes of all outcomes."""
    evicted: int
    """Outcomes forgotten before their time: not 0 means that *max_bytes* is too small."""


class MemoryIdempotency:
    """An `IdempotencyStore` in this process: nothing to install, forgotten when the process ends.

    For development and tests, and for a service of one process whose effects are gone
    with it, too. Production refuses it beside several replicas or workers.

    It keeps what fits: beyond *max_bytes* of outcomes the oldest go; a claim never does.

    Args:
        max_bytes: Of outcomes, in all.
        clock: Tells the time, by its monotonic clock; the app's own when it is managed by one.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     store = MemoryIdempotency()
        ...     claim = await store.begin("pay:alice:1", b"5 EUR", lease=30)
        ...     await store.keep(claim, b"paid", lifetime=86400)
        ...     return await store.begin("pay:alice:1", b"5 EUR", lease=30)
        >>> asyncio.run(main())
        Kept(fingerprint=b'5 EUR', outcome=b'paid')
    """

    port = IdempotencyStore
    process_local = True
    instead = "app.manage(SqlIdempotency()), after the database; or RedisIdempotency(redis)"
    worker_local = True
    within: ClassVar[type[object] | None] = None

    def __init__(self, *, max_bytes: int = 64 * 2**20, clock: Clock | None = None) -> None:
        self._max_bytes = max_bytes
        self._clock = clock or SystemClock()
        self._given = clock is not None
        self._claims: dict[str, _Entry] = {}
        self._outcomes: OrderedDict[str, _Entry] = OrderedDict()
        self._size = self._evicted = 0

    def __repr__(self) -> str:
        return f"<MemoryIdempotency: {len(self._claims)} claims, {len(self._outcomes)} outcomes>"

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
        self._claims.clear()
        self._outcomes.clear()
        self._size = 0

    async def begin(
        self, key: str, fingerprint: bytes, *, lease: float, within: object = None
    ) -> Claim | Claimed | Kept:
        """Claim *key*, or tell who has it or what came of it; never waits."""
        now = self._clock.monotonic()
        if (kept := self._outcomes.get(key)) is not None and kept.until > now:
            return Kept(kept.fingerprint, kept.outcome or b"")
        if (held := self._claims.get(key)) is not None and held.until > now:
            return Claimed(held.fingerprint, min(_RETRY_AFTER, held.until - now))
        self._sweep(now)
        claim = Claim(key, fingerprint, token_hex(8))
        self._claims[key] = _Entry(fingerprint, now + lease, claim.token)
        return claim

    async def keep(self, claim: Claim, outcome: bytes, *, lifetime: float, within: object = None) -> bool:
        """Remember *outcome*, unless the claim went to another call."""
        now = self._clock.monotonic()
        for entries in (self._claims, self._outcomes):
            other = entries.get(claim.key)
            if other is not None and other.token != claim.token and other.until > now:
                return False
        self._claims.pop(claim.key, None)
        self._forget(claim.key)
        self._outcomes[claim.key] = _Entry(claim.fingerprint, now + lifetime, claim.token, outcome)
        self._size += len(outcome)
        self._sweep(now)
        while self._size > self._max_bytes:
            self._forget(next(iter(self._outcomes)))
            self._evicted += 1
        return True

    async def release(self, claim: Claim) -> None:
        """Give *claim* up."""
        held = self._claims.get(claim.key)
        if held is not None and held.token == claim.token:
            del self._claims[claim.key]

    def _sweep(self, now: float) -> None:
        """Forget what is over of the oldest two outcomes and the oldest claim: more than come at once."""
        for key in tuple(islice(self._outcomes, 2)):
            if self._outcomes[key].until <= now:
                self._forget(key)
        oldest = next(iter(self._claims), None)
        if oldest is not None and self._claims[oldest].until <= now:
            del self._claims[oldest]

    def _forget(self, key: str) -> None:
        if (entry := self._outcomes.pop(key, None)) is not None:
            self._size -= len(entry.outcome or b"")

    def statistics(self) -> MemoryIdempotencyStatistics:
        """Return what it holds."""
        return MemoryIdempotencyStatistics(
            claims=len(self._claims), outcomes=len(self._outcomes), size=self._size, evicted=self._evicted
        )
