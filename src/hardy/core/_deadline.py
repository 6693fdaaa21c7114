"""The moment after which nobody waits for a call any more."""

import math
import time
from dataclasses import dataclass

from hardy.core._errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """An absolute moment on the monotonic clock; it travels with the call.

    A deadline only ever gets shorter on the way down: use `earlier` to combine.

    Example:
        >>> Deadline.after(30).remaining() <= 30
        True
        >>> Deadline.never().remaining()
        inf
    """

    at: float
    """Seconds on the monotonic clock; infinite when there is none."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline *seconds* from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def never(cls) -> "Deadline":
        """Return the deadline that does not come."""
        return cls(math.inf)

    def remaining(self) -> float:
        """Return the seconds left; negative once it has passed."""
        return self.at - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return self.at <= time.monotonic()

    def earlier(self, other: "Deadline") -> "Deadline":
        """Return whichever of the two comes first."""
        return self if self.at <= other.at else other

    def clamp(self, seconds: float) -> float:
        """Return *seconds*, or what remains when that is less, and never below zero."""
        return max(0.0, min(seconds, self.remaining()))

    def check(self) -> None:
        """Raise when the moment is over.

        Raises:
            DeadlineExceeded: The deadline has passed.
        """
        if self.passed:
            raise DeadlineExceeded("the deadline has passed")
