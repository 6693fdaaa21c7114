"""Policies over the waist: what keeps one slow or broken call from hurting the others.

Floor 2. Each policy is a middleware, holds one, or stands before a peer as `Breaker` does; none knows a
transport.

Example:
    >>> in_flight = InFlight(timeout=30)
    >>> in_flight.statistics()
    InFlightStatistics(now=0, started=0, late=0)
"""

from hardy.core import publish
from hardy.resilience._breaker import (
    Breaker,
    BreakerRefused,
    BreakerState,
    BreakerStatistics,
    Trip,
    consecutive_failures,
    failure_ratio,
    is_peers_fault,
)
from hardy.resilience._breaker_counts import BreakerCounts
from hardy.resilience._breaker_notices import BreakerClosed, BreakerHalfOpened, BreakerOpened, BreakerReopened
from hardy.resilience._idempotency import Claim, Claimed, IdempotencyStore, Kept
from hardy.resilience._idempotency_key import (
    IdempotencyKeyInUse,
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
)
from hardy.resilience._idempotency_layer import TRANSACTION, Idempotency, IdempotencyStatistics
from hardy.resilience._idempotency_memory import MemoryIdempotency, MemoryIdempotencyStatistics
from hardy.resilience._in_flight import InFlight, InFlightStatistics
from hardy.resilience._notices import (
    CallLimited,
    CallReplayed,
    CallShed,
    LimiterFailed,
    LimiterRecovered,
    OutcomeLost,
    OverloadBegan,
    OverloadEnded,
)
from hardy.resilience._rate import Admission, Limiter, Rate, gcra
from hardy.resilience._rate_layer import RateLimited, RateLimits, RateLimitStatistics
from hardy.resilience._rate_limit import (
    Limit,
    Limits,
    Stage,
    per_address,
    per_key,
    per_operation,
    per_principal,
    unlimited,
)
from hardy.resilience._rate_memory import LimiterStatistics, MemoryLimiter
from hardy.resilience._shed import Shed, ShedStatistics

__all__ = [
    "TRANSACTION",
    "Admission",
    "Breaker",
    "BreakerClosed",
    "BreakerCounts",
    "BreakerHalfOpened",
    "BreakerOpened",
    "BreakerRefused",
    "BreakerReopened",
    "BreakerState",
    "BreakerStatistics",
    "CallLimited",
    "CallReplayed",
    "CallShed",
    "Claim",
    "Claimed",
    "Idempotency",
    "IdempotencyKeyInUse",
    "IdempotencyKeyMalformed",
    "IdempotencyKeyMissing",
    "IdempotencyKeyReused",
    "IdempotencyStatistics",
    "IdempotencyStore",
    "InFlight",
    "InFlightStatistics",
    "Kept",
    "Limit",
    "Limiter",
    "LimiterFailed",
    "LimiterRecovered",
    "LimiterStatistics",
    "Limits",
    "MemoryIdempotency",
    "MemoryIdempotencyStatistics",
    "MemoryLimiter",
    "OutcomeLost",
    "OverloadBegan",
    "OverloadEnded",
    "Rate",
    "RateLimitStatistics",
    "RateLimited",
    "RateLimits",
    "Shed",
    "ShedStatistics",
    "Stage",
    "Trip",
    "consecutive_failures",
    "failure_ratio",
    "gcra",
    "is_peers_fault",
    "per_address",
    "per_key",
    "per_operation",
    "per_principal",
    "unlimited",
]

publish(__name__, globals())
