"""What happens to events on their way, told as notices."""

from dataclasses import dataclass

from hardy.core import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRetried(Notice):
    """An event could not be dealt with now and will be tried again."""

    topic: str
    id: str
    group: str
    """Who tried; ``"outbox"`` where it was to be published."""
    attempt: int
    delay: float
    """Seconds until the next attempt."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDied(Notice):
    """An event was given up and is a dead letter now, until somebody replays it."""

    topic: str
    id: str
    key: str | None
    group: str
    """Who gave up; ``"outbox"`` where it was to be published."""
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxHeldBack(Notice):
    """Committed events wait because an older transaction of the database is still open."""

    seconds: float
    """How long the oldest of them waits."""
    waiting: int
    """How many do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherLost(Notice):
    """Nothing can be published just now; what is to be stays where it is."""

    reason: str
    delay: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherBack(Notice):
    """Events are published again."""

    seconds: float
    """How long it was not possible."""
