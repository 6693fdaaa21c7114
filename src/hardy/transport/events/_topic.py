"""A topic as a binding: the use case is called once for each event."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hardy.core import Diagnostic, Operation
from hardy.messaging import Retry, Topic


@dataclass(frozen=True, slots=True)
class EventTopic(Topic):
    """A binding: the use case consumes the events of a topic.

    It calls as ``Principal("topic:NAME", kind="service")``, without scopes or
    roles: write ``allow=internal``. The same value is what an outbox maps a
    class of events to.
    """

    group: str | None = None
    """Who consumes: each group gets every event; ``SERVICE.USE_CASE`` when not said."""
    concurrency: int = 16
    """How many events one process deals with at once, those of one key always one by one."""
    retry: Retry = field(default_factory=Retry)
    """When an event that failed is tried again, and when it is given up."""
    transport: str = "events"
    raw: bool = False

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Refuse a name that no broker takes, streams, and numbers that make no sense."""
        faults = list(self.check_name(operation.place))
        if operation.kind.streams_in or operation.kind.streams_out:
            what = "takes a stream, and an event is one message" if operation.kind.streams_in else "streams its reply"
            faults.append(
                Diagnostic(
                    code="H0694",
                    title=f"`{operation.name}` {what}: a topic cannot call it",
                    place=operation.place,
                    notes=("nobody listens to what the consumer of a topic replies",),
                    helps=(f"async def {operation.name}(event: OrderPlaced, ...) -> None:",),
                )
            )
        if self.concurrency < 1 or self.retry.attempts < 1:
            name = "concurrency" if self.concurrency < 1 else "retry=Retry(attempts"
            faults.append(
                Diagnostic(
                    code="H0695",
                    title=f"`{operation.name}` would never get an event of `{self.name}`: `{name}` is below 1",
                    place=operation.place,
                    helps=(f'events.topic("{self.name}")  # {EventTopic.__name__} has defaults that work',),
                )
            )
        return faults

    def group_of(self, service: str, operation: Operation) -> str:
        """Return who consumes when *operation* of *service* is bound to this topic."""
        return self.group or f"{service}.{operation.name}"

    def describe(self) -> dict[str, object]:
        """Return the binding as plain data."""
        return {"transport": "events", "topic": self.name, "group": self.group, "concurrency": self.concurrency}


def topic(
    name: str,
    *,
    key: str | None = None,
    group: str | None = None,
    concurrency: int = 16,
    retry: Retry | None = None,
) -> EventTopic:
    """Name a topic: to consume it by ``expose``, or to publish to it by an outbox.

    Args:
        name: Lower-case words with dots between: ``orders.placed``.
        key: The field of the event by which order is kept, for who publishes.
        group: Who consumes, for ``expose``: each group gets every event.
            ``SERVICE.USE_CASE`` when left out, so that renaming the use case
            makes a new group, which begins with the oldest event there is.
        concurrency: How many events one process deals with at once.
        retry: When an event that failed is tried again; ten times within minutes when left out.

    Example:
        >>> topic("orders.placed", key="order_id").describe()["topic"]
        'orders.placed'
    """
    return EventTopic(name, key, group, concurrency, retry or Retry())
