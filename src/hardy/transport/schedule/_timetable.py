"""Which tick is due now: the part of a schedule that knows about time and nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hardy.transport.schedule._cron import Cron
from hardy.transport.schedule._expression import Expression


@dataclass(frozen=True, slots=True)
class Due:
    """What the timetable says of a moment."""

    tick: datetime | None
    """The tick to take now, if any."""
    missed: datetime | None
    """The latest tick that was missed and is not made up for, if any."""
    next: datetime
    """The next tick."""


class Timetable:
    """Walks through the ticks of one schedule as a clock goes, that may jump.

    Each tick is returned once. A clock that is put forward over ticks makes
    them missed; one that is put back lets them come again, and whoever
    remembers what was claimed refuses those.

    Args:
        cron: What the schedule says.
        now: From when on; ticks up to then are over.
        last: The latest tick that anybody has claimed; those between it and
            *now* were missed.
    """

    def __init__(self, cron: Cron, now: datetime, *, last: datetime | None = None) -> None:
        self._cron = cron
        self._grace = timedelta(seconds=cron.grace)
        self._expression = Expression(cron.expression, ZoneInfo(cron.timezone))
        self._looked = now
        passed = now
        if last is not None and last < now:
            passed = last if cron.misfire == "run_once" else max(last, now - self._grace)
        self._upcoming = self._expression.after(passed)

    def due(self, now: datetime) -> Due:
        """Return what is due at *now*."""
        if now < self._looked - self._grace:  # put back: the ticks of that time come again
            self._upcoming = self._expression.after(now)
        self._looked = now
        upcoming = self._upcoming
        if upcoming > now:
            return Due(None, None, upcoming)
        latest = max(upcoming, self._expression.before(now))
        self._upcoming = following = self._expression.after(latest)
        if now - latest <= self._grace or self._cron.misfire == "run_once":
            return Due(latest, None, following)
        return Due(None, latest, following)
