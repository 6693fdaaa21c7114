"""When an event that failed is tried again, and when it is given up."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from hardy.core import Code

HOPELESS = frozenset({Code.INVALID_ARGUMENT, Code.OUT_OF_RANGE, Code.UNIMPLEMENTED})
"""Codes that stay the same however often it is tried: the event itself is wrong."""
PATIENT = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.ABORTED, Code.CANCELLED, Code.DEADLINE_EXCEEDED})
"""Codes that say nothing against the event: something it needs is not there just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When an event that failed is tried again, and when it becomes a dead letter.

    Attempt *n* waits between half of ``first * 2**(n - 1)`` seconds and the whole
    of it, never more than ``most``: exponential backoff with equal jitter
    (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    An event that is wrong in itself (INVALID_ARGUMENT, OUT_OF_RANGE,
    UNIMPLEMENTED) is a dead letter at once. What fails because something is not
    there just now (UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, CANCELLED,
    DEADLINE_EXCEEDED) is tried ``patience`` times as often as the rest.

    Example:
        >>> retry = Retry(first=1, most=60, attempts=3, jitter=lambda: 1.0)
        >>> [retry.decide(Code.NOT_FOUND, attempt) for attempt in (1, 2, 3)]
        [1.0, 2.0, None]
        >>> retry.decide(Code.INVALID_ARGUMENT, 1) is None
        True
    """

    first: float = 0.5
    """Seconds before the second attempt."""
    most: float = 60.0
    """Seconds: the longest wait there is."""
    attempts: int = 10
    """How often it is tried in all."""
    patience: int | None = 20
    """How many times *attempts* it is tried when the fault is not its own; for ever when none."""
    jitter: Callable[[], float] = random.random
    """Returns a number from 0 up to 1."""

    def decide(self, code: Code, attempt: int) -> float | None:
        """Return the seconds to wait after *attempt* failed with *code*; ``None`` when that was the last."""
        if code in HOPELESS:
            return None
        if code in PATIENT:
            if self.patience is not None and attempt >= self.attempts * self.patience:
                return None
        elif attempt >= self.attempts:
            return None
        return self.delay(attempt)

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after *attempt*, the first of which is 1."""
        ceiling = min(self.most, self.first * 2.0 ** min(attempt - 1, 60))
        return ceiling * (0.5 + self.jitter() / 2)
