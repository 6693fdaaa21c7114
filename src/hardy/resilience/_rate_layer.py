"""The layer of the chain that counts calls and refuses those too many."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from hardy.core import Call, Emit, Handler, ResourceExhausted, Unavailable
from hardy.resilience._notices import CallLimited, LimiterFailed, LimiterRecovered
from hardy.resilience._rate import Admission, Limiter, Rate
from hardy.resilience._rate_limit import Limit

INSIDE = frozenset({"command", "events", "jobs", "schedule"})
"""Transports of calls that the service makes itself."""


class RateLimited(ResourceExhausted):
    """The caller made more calls than a rate limit allows."""


@dataclass(frozen=True, slots=True)
class RateLimitStatistics:
    """What came of the calls that one limit counts."""

    passed: int
    refused: int
    uncounted: int
    """Calls that came while the store could not be asked."""


@dataclass(slots=True)
class _Counted:
    limit: Limit
    prefix: str
    """Keeps its keys apart from those of other limits and operations."""
    limiter: Callable[[], Limiter]
    passed: int = 0
    refused: int = 0
    uncounted: int = 0


class RateLimits:
    """Counts the calls of one operation at one place in the chain.

    Each limit is asked in turn, and the first that refuses ends the call with
    `RateLimited` (429, RESOURCE_EXHAUSTED), which says when to come back. What
    is left is told with every answer: ``RateLimit-Policy`` and ``RateLimit``
    (draft-ietf-httpapi-ratelimit-headers, structured fields of RFC 9651). Calls that the service makes itself
    (commands, topics, queues, schedules) are not counted.

    Args:
        limits: Each with the prefix of its keys: limits of the same prefix and name count together.
        shared: Gives what counts for all processes together; asked for each call, for it is opened later.
        own: Gives what counts in this process alone.
        emit: Told of `CallLimited`, `LimiterFailed`, `LimiterRecovered`.
        down: Prefixes of the limits that cannot be counted now: one set for all layers that share limits, so
            that an outage is told once and not by each operation.

    Example:
        >>> RateLimits([], shared=lambda: ..., own=lambda: ...).limits
        ()
    """

    def __init__(
        self,
        limits: Sequence[tuple[str, Limit]],
        *,
        shared: Callable[[], Limiter],
        own: Callable[[], Limiter],
        emit: Emit = lambda notice: None,
        down: set[str] | None = None,
    ) -> None:
        self.limits = tuple(limit for _, limit in limits)
        self._emit = emit
        self._down: set[str] = set() if down is None else down
        self._counted = [
            _Counted(limit, f"{prefix}:{limit.name}:", own if limit.scope == "process" else shared)
            for prefix, limit in limits
        ]
        self._policy = ", ".join(policy(limit) for limit in self.limits)

    async def __call__(self, call: Call, proceed: Handler) -> object:
        """Count *call* and let it go on; a middleware.

        Raises:
            RateLimited: It is one too many.
            Unavailable: A limit that is ``closed`` on failure cannot be asked.
        """
        await self.check(call)
        return await proceed(call)

    async def check(self, call: Call) -> None:
        """Count *call*, or raise what `__call__` does."""
        if call.transport in INSIDE:
            return
        told: list[str] = []
        refused: tuple[Limit, Admission] | None = None
        for each in self._counted:
            if (key := each.limit.key(call)) is None:
                continue
            if (admission := await self._admit(call, each, key)) is None:
                continue
            told.append(field(each.limit, admission))
            if not admission.allowed:
                each.refused += 1
                refused = each.limit, admission
                break
            each.passed += 1
        if told:  # also what was asked before one refused
            call.attach("ratelimit-policy", self._policy)
            call.attach("ratelimit", ", ".join(told))
        if refused is not None:
            raise self._refusal(call, *refused)

    async def _admit(self, call: Call, each: _Counted, key: str) -> Admission | None:
        limit = each.limit
        try:
            admission = await each.limiter().admit(each.prefix + key, limit.rate)
        except Unavailable as error:
            each.uncounted += 1
            if each.prefix not in self._down:  # once, and not for every call of an outage
                self._down.add(each.prefix)
                self._emit(
                    LimiterFailed(
                        limit=limit.name, operation=call.operation.name, on_failure=limit.on_failure or "open"
                    )
                )
            if limit.on_failure == "closed":
                raise Unavailable(
                    "calls cannot be counted at the moment", retry_after=error.retry_after or 1
                ) from error
            return None
        if each.prefix in self._down:
            self._down.discard(each.prefix)
            self._emit(LimiterRecovered(limit=limit.name, operation=call.operation.name))
        return admission

    def _refusal(self, call: Call, limit: Limit, admission: Admission) -> RateLimited:
        self._emit(CallLimited(limit=limit.name, operation=call.operation.name, transport=call.transport))
        rate = limit.rate
        return RateLimited(
            f"no more than {rate.count} calls in {rate.per:g} s",
            retry_after=admission.retry_after,
            limit=limit.name,
        )

    def statistics(self) -> Mapping[str, RateLimitStatistics]:
        """Return what came of the calls, by the limits' names."""
        return {
            each.limit.name: RateLimitStatistics(each.passed, each.refused, each.uncounted) for each in self._counted
        }


def policy(limit: Limit) -> str:
    """Return *limit* as an item of ``RateLimit-Policy``.

    Example:
        >>> from hardy.resilience import per_principal
        >>> policy(per_principal(100, per=60))
        '"principal";q=100;w=60'
    """
    quota, window = _whole(limit.rate)
    text = f'"{limit.name}";q={quota};w={window}'
    return text if limit.rate.burst == limit.rate.count else f"{text};hardy-burst={limit.rate.burst}"


def field(limit: Limit, admission: Admission) -> str:
    """Return what is left of *limit* as an item of ``RateLimit``; its ``t`` is what ``Retry-After`` says.

    Example:
        >>> from hardy.resilience import per_principal
        >>> field(per_principal(100, per=60), Admission(True, 100, 99, 0.6))
        '"principal";r=99;t=1'
    """
    seconds = admission.reset_after if admission.retry_after is None else max(1, admission.retry_after)
    return f'"{limit.name}";r={admission.remaining};t={ceil(seconds)}'


def _whole(rate: Rate) -> tuple[int, int]:
    """Return quota and window: whole seconds, which is all that the field can say."""
    window = ceil(rate.per)
    return (rate.count, window) if window == rate.per else (int(rate.count * window / rate.per), window)
