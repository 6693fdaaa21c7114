"""Runs use cases for the events that a broker delivers."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self, cast

from hardy.core import Clock, Emit, Error, Exposed, Internal, Logger, shielded
from hardy.messaging import Again, Broker, Dead, Delivery, Done, EventDied, EventRetried, Subscription, Verdict
from hardy.schema import codec
from hardy.transport.events._call import EventCall
from hardy.transport.events._topic import EventTopic


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsStatistics:
    """What became of the events that were delivered to this process."""

    done: int
    repeated: int
    """Delivered again though they had been dealt with; the inbox passed them over. They count as done, too."""
    retried: int
    dead: int
    in_flight: int


@dataclass(slots=True)
class _Counts:
    done: int = 0
    repeated: int = 0
    retried: int = 0
    dead: int = 0
    in_flight: int = 0


class Consumer:
    """Gives each event of one topic to one operation, and says what becomes of it."""

    def __init__(self, exposed: Exposed, group: str, counts: _Counts, emit: Emit) -> None:
        self.topic = cast("EventTopic", exposed.binding)
        self.group = group
        self._operation = exposed.operation
        self._handler = exposed.handler
        self._codec = codec(cast("type[object]", exposed.operation.message))
        self._counts = counts
        self._emit = emit

    async def receive(self, delivery: Delivery) -> Verdict:
        """Run the operation with the event: done, again after a while, or a dead letter."""
        call = EventCall(self._operation, delivery, self._codec)
        self._counts.in_flight += 1
        try:
            await call.run(self._handler)
        except Exception as error:  # what is no Error is a defect that no layer of the chain has caught
            if not isinstance(error, Error):
                call.log.exception("a call failed outside of its chain")
            return self._judge(delivery, error if isinstance(error, Error) else Internal("internal error"))
        finally:
            self._counts.in_flight -= 1
        self._counts.done += 1
        self._counts.repeated += call.repeated
        return Done()

    def _judge(self, delivery: Delivery, error: Error) -> Verdict:
        envelope, reason = delivery.envelope, f"{error.code.name}: {error.message}"
        delay = self.topic.retry.decide(error.code, delivery.attempt)
        if delay is None:
            self._counts.dead += 1
            self._emit(
                EventDied(
                    topic=envelope.topic,
                    id=envelope.id,
                    key=envelope.key,
                    group=self.group,
                    attempt=delivery.attempt,
                    reason=reason,
                )
            )
            return Dead(reason)
        self._counts.retried += 1
        delay = max(delay, error.retry_after or 0.0)
        self._emit(
            EventRetried(
                topic=envelope.topic,
                id=envelope.id,
                group=self.group,
                attempt=delivery.attempt,
                delay=delay,
                reason=reason,
            )
        )
        return Again(delay)


class Transport:
    """Serves the operations that are bound to topics, with the events of a `Broker`.

    Each event is a call of its own, through the same chain as a request: rules,
    middleware, deadline, transaction. What the call ends with is the verdict on
    the event. A reply, whatever it is: done. An error: again after a while, or a
    dead letter, as the `Retry` of the topic says for its code; an event that
    cannot be decoded is a dead letter at once.

    Events of one key are dealt with one by one, in their order, in whatever
    process; of different keys, ``concurrency`` at once.

    Args:
        exposed: The operations bound to topics.
        adapter: The broker.
        service: The service's name, which its groups begin with.
        emit: Told of each `EventRetried` and `EventDied`.
        logger: Gets a line when it begins.
        clock: Not used by this one.
    """

    port: ClassVar[type] = Broker

    def __init__(
        self, exposed: Sequence[Exposed], adapter: Broker, *, service: str, emit: Emit, logger: Logger, clock: Clock
    ) -> None:
        self._broker = adapter
        self._logger = logger
        self._counts = _Counts()
        self._consumers = [
            Consumer(each, group, self._counts, emit)
            for each in exposed
            for group in [cast("EventTopic", each.binding).group_of(service, each.operation)]
        ]
        self._subscriptions: list[Subscription] = []

    async def __aenter__(self) -> Self:
        """Subscribe every consumer.

        Raises:
            Unavailable: The broker does not answer.
        """
        try:
            for each in self._consumers:
                topic = each.topic
                subscription = await self._broker.subscribe(
                    topic.name, group=each.group, receive=each.receive, concurrency=topic.concurrency
                )
                self._subscriptions.append(subscription)
                self._logger.info("consuming", topic=topic.name, group=each.group)
        except BaseException:
            await shielded(self._close())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel what is left, which is delivered again, and stop."""
        await shielded(self._close())

    async def drain(self) -> None:
        """Take no new event at once; return when those that were taken are settled."""
        await _all(each.drain() for each in self._subscriptions)

    async def _close(self) -> None:
        subscriptions, self._subscriptions = self._subscriptions, []
        await _all(each.close() for each in subscriptions)

    def statistics(self) -> EventsStatistics:
        """Return what became of the events so far."""
        counts = self._counts
        return EventsStatistics(
            done=counts.done,
            repeated=counts.repeated,
            retried=counts.retried,
            dead=counts.dead,
            in_flight=counts.in_flight,
        )


async def _all(work: Iterable[Coroutine[object, None, None]]) -> None:
    """Run *work* side by side to its end, all of it, and raise what failed first."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for each in outcomes:
        if isinstance(each, BaseException):
            raise each
