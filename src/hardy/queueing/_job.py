"""What a queue holds: jobs that were asked for, taken, listed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

JobState = Literal["waiting", "taken", "dead"]
"""How it is with a job: its time has not come or nobody is free; somebody works on it; it was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that is to be put into a queue."""

    id: str
    queue: str
    use_case: str
    """The name of the operation that is called."""
    message: bytes
    """Its message, as JSON."""
    delay: float = 0.0
    """Seconds until its time comes."""
    priority: int = 0
    """Higher ones go first."""
    cause: str | None = None
    """The id of the call that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that was taken: nobody else gets it while its lease holds."""

    id: str
    queue: str
    use_case: str
    message: bytes
    priority: int = 0
    cause: str | None = None
    attempt: int = 1
    """How often it was taken, this time included."""
    lost: int = 0
    """How often who had taken it was not heard of again: a crash, or a lease that ran out."""
    lease: str
    """Proves who has it: a new one each time that it is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as an operator sees it."""

    id: str
    queue: str
    use_case: str
    message: bytes
    state: JobState
    priority: int
    attempts: int
    """How often it was tried so far."""
    due: datetime
    """When its time comes; of a taken one, when its lease ends."""
    enqueued: datetime
    reason: str | None
    """Why the last attempt failed."""
