"""What happens to events on their way, told as notices."""

from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Level, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRetried(Told):
    """An event could not be dealt with now and will be tried again."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "an event will be tried again"

    topic: str
    id: str
    group: str
    """Who tried; ``"outbox"`` where it was to be published."""
    attempt: int
    delay: float
    """Seconds until the next attempt."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDied(Told):
    """An event was given up and is a dead letter now, until somebody replays it."""

    level: ClassVar[Level] = "error"
    says: ClassVar[str] = "an event was given up: hardy events replay ID gives it another chance"

    topic: str
    id: str
    key: str | None
    group: str
    """Who gave up; ``"outbox"`` where it was to be published."""
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxHeldBack(Told):
    """Committed events wait because an older transaction of the database is still open."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "events wait behind an open transaction"

    seconds: float
    """How long the oldest of them waits."""
    waiting: int
    """How many do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherLost(Told):
    """Nothing can be published just now; what is to be stays where it is."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "nothing can be published"

    reason: str
    delay: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherBack(Told):
    """Events are published again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "events are published again"

    seconds: float
    """How long it was not possible."""
