"""What happens to jobs and ticks, told as notices."""

from dataclasses import dataclass
from datetime import datetime

from hardy.core import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(Notice):
    """A job could not be done now and will be tried again."""

    queue: str
    use_case: str
    id: str
    attempt: int
    delay: float
    """Seconds until the next attempt."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDied(Notice):
    """A job was given up and is a dead letter now, until somebody requeues it."""

    queue: str
    use_case: str
    id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLost(Notice):
    """The lease of a job ended while it was worked on, so that another may have it; here it was cancelled."""

    queue: str
    use_case: str
    id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost(Notice):
    """No jobs or ticks can be taken just now; what is kept stays where it is."""

    name: str
    """The queue or the schedule."""
    reason: str
    delay: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBack(Notice):
    """Jobs or ticks are taken again."""

    name: str
    seconds: float
    """How long it was not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickMissed(Notice):
    """A schedule was not carried out at its time."""

    name: str
    tick: datetime
    """The latest of those that were missed."""
    reason: str
