"""Policies over the waist: what keeps one slow or broken call from hurting the others.

Floor 2. Each policy is a middleware or holds one; none knows a transport.

Example:
    >>> in_flight = InFlight(timeout=30)
    >>> in_flight.statistics()
    InFlightStatistics(now=0, started=0, late=0)
"""

from hardy.core import publish
from hardy.resilience._idempotency import Claim, Claimed, IdempotencyStore, Kept
from hardy.resilience._in_flight import InFlight, InFlightStatistics
from hardy.resilience._notices import CallShed, OverloadBegan, OverloadEnded
from hardy.resilience._rate import Admission, Limiter, Rate, gcra
from hardy.resilience._shed import Shed, ShedStatistics

__all__ = [
    "Admission",
    "CallShed",
    "Claim",
    "Claimed",
    "IdempotencyStore",
    "InFlight",
    "InFlightStatistics",
    "Kept",
    "Limiter",
    "OverloadBegan",
    "OverloadEnded",
    "Rate",
    "Shed",
    "ShedStatistics",
    "gcra",
]

publish(__name__, globals())
