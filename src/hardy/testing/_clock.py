"""Time that a test turns by hand."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A `Clock` that stands still until it is told to move.

    Example:
        >>> clock = VirtualClock()
        >>> before = clock.now()
        >>> clock.advance(60)
        >>> (clock.now() - before).total_seconds()
        60.0
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        if seconds < 0:
            raise ValueError("time does not go back; use `jump` to change the wall clock alone")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as an administrator or NTP does."""
        self._now += timedelta(seconds=seconds)
