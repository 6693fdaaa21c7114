"""A broker inside the process: for development, tests, and services of one process."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import ClassVar, Self

from hardy.core import Error, ResourceExhausted
from hardy.messaging._envelope import Envelope
from hardy.messaging._lane import Group
from hardy.messaging._ports import Broker, Dead, DeadLetter, Delivery, Receive, Subscription, Unpublished
from hardy.messaging._subscription import MemorySubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerStatistics:
    """Numbers since the broker was made, and as they are now."""

    published: int
    delivered: int
    """How often an event was handed to a group."""
    waiting: int
    """Events that a group has not dealt with yet."""
    dead: int


class MemoryBroker:
    """A broker inside this process: what is not dealt with when it ends is gone.

    Behind an outbox nothing is lost by that which the outbox has not handed
    over; what it has, is. It keeps order per key, retries, and dead letters as
    the other adapters do. It is bounded: a group that does not keep up makes
    `publish` fail rather than the memory grow.

    Args:
        capacity: How many events may wait for one group.
        keep: How many events of a topic a new group is given from before.

    Example:
        >>> import asyncio
        >>> from hardy.messaging import Delivery, Done, Envelope
        >>> async def show(delivery: Delivery) -> Done:
        ...     print(delivery.envelope.data)
        ...     return Done()
        >>> async def main() -> None:
        ...     broker = MemoryBroker()
        ...     subscription = await broker.subscribe("greetings", group="you", receive=show)
        ...     await broker.publish([Envelope(topic="greetings", data=b"hello")])
        ...     await broker.idle()
        ...     await subscription.close()
        >>> asyncio.run(main())
        b'hello'
    """

    port: ClassVar[type] = Broker
    process_local = True
    instead = "app.manage(Nats(settings.nats)), from hardy.adapters.nats"
    worker_local = True

    def __init__(self, *, capacity: int = 10_000, keep: int = 10_000) -> None:
        self._capacity = capacity
        self._keep = keep
        self._kept: dict[str, deque[Envelope]] = {}
        self._groups: dict[str, dict[str, Group]] = {}
        self._dead: dict[tuple[str, str], tuple[Delivery, str]] = {}
        self._published = 0

    async def __aenter__(self) -> Self:
        """Do nothing: there is nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing."""

    async def publish(self, envelopes: Sequence[Envelope], /) -> None:
        """Hand *envelopes* to every group of their topics.

        Raises:
            Unpublished: A group has too many waiting already.
        """
        failures: dict[str, Error] = {}
        stopped: set[tuple[str, str]] = set()
        for each in envelopes:
            of_key = None if each.key is None else (each.topic, each.key)
            groups = self._groups.get(each.topic, {}).values()
            if of_key in stopped or any(group.waiting >= self._capacity for group in groups):
                failures[each.id] = ResourceExhausted("too many events wait already", retry_after=1)
                if of_key is not None:
                    stopped.add(of_key)
                continue
            self._published += 1
            self._kept.setdefault(each.topic, deque(maxlen=self._keep)).append(each)
            for group in groups:
                group.add(Delivery(envelope=each, group=group.name))
        if failures:
            raise Unpublished(failures)

    async def subscribe(self, topic: str, *, group: str, receive: Receive, concurrency: int = 16) -> Subscription:
        """Begin to deliver the events of *topic* to *receive*; see `Broker.subscribe`."""
        groups = self._groups.setdefault(topic, {})
        found = groups.get(group)
        if found is None:
            found = groups[group] = Group(group, self._die)
            for each in self._kept.get(topic, ()):
                found.add(Delivery(envelope=each, group=group))
        return MemorySubscription(found, receive, concurrency)

    def _die(self, delivery: Delivery, verdict: Dead) -> None:
        self._dead[delivery.group, delivery.envelope.id] = (delivery, verdict.reason)

    async def idle(self) -> None:
        """Return when no group has anything left to deal with."""
        while True:
            busy = [group for groups in self._groups.values() for group in groups.values() if group.waiting]
            if not busy:
                return
            await busy[0].emptied.wait()

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest dead letters."""
        return [_letter(delivery, reason) for delivery, reason in list(self._dead.values())[:limit]]

    async def replay(self, *ids: str) -> int:
        """Deliver dead letters again, to the group that gave each up; all when no *ids* are given."""
        chosen = [key for key in self._dead if not ids or key[1] in ids]
        for key in chosen:
            delivery, _ = self._dead.pop(key)
            self._groups[delivery.envelope.topic][delivery.group].add(replace(delivery, attempt=1))
        return len(chosen)

    def statistics(self) -> BrokerStatistics:
        """Return what happened so far and how it is now."""
        waiting = sum(group.waiting for groups in self._groups.values() for group in groups.values())
        delivered = sum(group.delivered for groups in self._groups.values() for group in groups.values())
        return BrokerStatistics(published=self._published, delivered=delivered, waiting=waiting, dead=len(self._dead))


def _letter(delivery: Delivery, reason: str) -> DeadLetter:
    envelope = delivery.envelope
    return DeadLetter(
        id=envelope.id,
        topic=envelope.topic,
        key=envelope.key,
        group=delivery.group,
        type=envelope.type,
        data=envelope.data,
        reason=reason,
        attempts=delivery.attempt,
        time=envelope.time,
    )
