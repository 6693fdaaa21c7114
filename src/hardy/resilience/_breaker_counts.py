"""How many calls came, succeeded and failed, in all or of late."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

STEPS = 10
"""Parts of a window; it rolls on by one at a time."""


@dataclass(frozen=True, slots=True)
class BreakerCounts:
    """Calls since a breaker changed its state, or within its window."""

    requests: int = 0
    """Let through, those still in flight among them."""
    successes: int = 0
    failures: int = 0
    consecutive_successes: int = 0
    consecutive_failures: int = 0


class _Step:
    """What happened in one part of the window."""

    __slots__ = ("failures", "number", "requests", "successes")

    def __init__(self, number: int) -> None:
        self.number = number
        self.requests = self.successes = self.failures = 0


class Window:
    """Counts calls, over the last *span* seconds if there is one.

    What happened in a row counts in a row however long ago it was, unless all of the window has passed without
    a call.
    """

    __slots__ = ("_in_a_row", "_monotonic", "_span", "_steps")

    def __init__(self, span: float | None, monotonic: Callable[[], float]) -> None:
        if span is not None and span <= 0:
            raise ValueError("a window is longer than 0 seconds")
        self._span = span
        self._monotonic = monotonic
        self._steps: deque[_Step] = deque()
        self.clear()

    def clear(self) -> None:
        """Begin at zero."""
        self._steps.clear()
        self._in_a_row = 0

    def _now(self) -> _Step:
        """Return the step that runs, and drop those that have rolled out."""
        number = 0 if self._span is None else int(self._monotonic() * STEPS / self._span)
        steps = self._steps
        if steps and steps[-1].number == number:
            return steps[-1]
        while steps and steps[0].number <= number - STEPS:
            steps.popleft()
        if not steps:
            self._in_a_row = 0
        steps.append(_Step(number))
        return steps[-1]

    def begin(self) -> None:
        """Count a call."""
        self._now().requests += 1

    def take_back(self) -> None:
        """Count one call less: it was cancelled."""
        self._now().requests -= 1

    def succeed(self) -> None:
        """Count a success."""
        self._now().successes += 1
        self._in_a_row = max(0, self._in_a_row) + 1

    def fail(self) -> None:
        """Count a failure."""
        self._now().failures += 1
        self._in_a_row = min(0, self._in_a_row) - 1

    def counts(self) -> BreakerCounts:
        """Return the sums."""
        self._now()
        return BreakerCounts(
            requests=max(0, sum(step.requests for step in self._steps)),
            successes=sum(step.successes for step in self._steps),
            failures=sum(step.failures for step in self._steps),
            consecutive_successes=max(0, self._in_a_row),
            consecutive_failures=max(0, -self._in_a_row),
        )
