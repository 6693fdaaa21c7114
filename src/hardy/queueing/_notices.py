"""What happens to jobs and ticks, told as notices."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from hardy.core import Level, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(Told):
    """A job could not be done now and will be tried again."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "a job will be tried again"

    queue: str
    use_case: str
    id: str
    attempt: int
    delay: float
    """Seconds until the next attempt."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDied(Told):
    """A job was given up and is a dead letter now, until somebody requeues it."""

    level: ClassVar[Level] = "error"
    says: ClassVar[str] = "a job was given up: hardy jobs retry ID gives it another chance"

    queue: str
    use_case: str
    id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLost(Told):
    """The lease of a job ended while it was worked on, so that another may have it; here it was cancelled."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "the lease of a job was lost"

    queue: str
    use_case: str
    id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost(Told):
    """No jobs or ticks can be taken just now; what is kept stays where it is."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "no jobs or ticks can be taken"

    name: str
    """The queue or the schedule."""
    reason: str
    delay: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBack(Told):
    """Jobs or ticks are taken again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "jobs and ticks are taken again"

    name: str
    seconds: float
    """How long it was not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickMissed(Told):
    """A schedule was not carried out at its time."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "a schedule was missed"

    name: str
    tick: datetime
    """The latest of those that were missed."""
    reason: str
