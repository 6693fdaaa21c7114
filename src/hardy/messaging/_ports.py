"""The ports of a message broker: who takes events, who hands them out, and what becomes of each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from hardy.core import Error, Unavailable
from hardy.messaging._envelope import Envelope


class Unpublished(Unavailable):
    """Some envelopes were not confirmed by the broker; all others were.

    Args:
        failures: The error of each that was not, by id. Whatever comes after
            one of them with the same topic and key was not sent, and is here too.
    """

    failures: Mapping[str, Error]

    def __init__(self, failures: Mapping[str, Error], /) -> None:
        first = next(iter(failures.values()), None)
        super().__init__(f"{len(failures)} events could not be published" + (f": {first}" if first else ""))
        self.failures = failures


class Publisher(Protocol):
    """Takes events for others: at least once, confirmed, in order per topic and key."""

    async def publish(self, envelopes: Sequence[Envelope], /) -> None:
        """Publish *envelopes* and return when the broker has all of them for good.

        Those with the same topic and key are sent one after the other, each
        when the one before is confirmed. One that is published twice, because
        its confirmation was lost, may be delivered twice, with the same id.

        Raises:
            Unpublished: Some were not confirmed. They may have arrived all the same.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event handed to a consumer."""

    envelope: Envelope
    group: str
    attempt: int = 1
    """How often it was handed to this group, this time included."""


@dataclass(frozen=True, slots=True)
class Done:
    """A verdict: the event was dealt with and is not delivered to this group again."""


@dataclass(frozen=True, slots=True)
class Again:
    """A verdict: deliver the event again, before any later one of its key."""

    delay: float = 0.0
    """Seconds to wait."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A verdict: put the event aside as a dead letter, and go on with the next of its key."""

    reason: str


Verdict = Done | Again | Dead
"""What becomes of an event after a consumer had it."""

Receive = Callable[[Delivery], Awaitable[Verdict]]
"""Deals with one event. When it raises or is cancelled, the event is delivered again."""


class Subscription(Protocol):
    """What delivers the events of one topic to one group, as long as it is open."""

    async def drain(self) -> None:
        """Take nothing new at once; return when what was taken is settled."""
        ...

    async def close(self) -> None:
        """Cancel what is left, which is delivered again later, and stop."""
        ...


class Broker(Publisher, Protocol):
    """Takes events and delivers each of them to every group at least once.

    Order is kept per topic and key: a group is never handed an event while an
    earlier one of the same key is unsettled, in whatever process that is.
    """

    async def subscribe(self, topic: str, *, group: str, receive: Receive, concurrency: int = 16) -> Subscription:
        """Begin to deliver the events of *topic* to *receive*, and return when that has begun.

        Several subscriptions of one group share its events; each group gets
        them all, a new one from the oldest that the broker still keeps.

        Args:
            group: Who consumes, across processes and restarts.
            concurrency: How many events may be dealt with at once.

        Raises:
            Unavailable: The broker does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that was given up."""

    id: str
    topic: str
    key: str | None
    group: str
    """Who gave it up; ``"outbox"`` when it could not be published."""
    type: str
    data: bytes
    reason: str
    attempts: int
    time: datetime
    """When it was published."""


@runtime_checkable
class DeadLetters(Protocol):
    """A component that keeps dead letters and gives each another chance when told to."""

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest of them."""
        ...

    async def replay(self, *ids: str) -> int:
        """Let those events be tried again as if for the first time, all when none are named; return how many."""
        ...
