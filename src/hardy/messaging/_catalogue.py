"""Which class of events goes to which topic, and how an event becomes an envelope."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from hardy.core import Call, Diagnostic
from hardy.messaging._envelope import CALL_ID, TRACE, Envelope
from hardy.messaging._topic import Topic
from hardy.schema import Codec, codec


class Catalogue:
    """The classes of events that a service publishes, each with its topic.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class OrderPlaced:
        ...     order_id: int
        >>> catalogue = Catalogue({OrderPlaced: Topic("orders.placed", key="order_id")})
        >>> catalogue.wrap(OrderPlaced(42)).data
        b'{"order_id":42}'
    """

    def __init__(self, topics: Mapping[type, Topic]) -> None:
        self.topics = dict(topics)

    def check(self) -> Sequence[Diagnostic]:
        """Return everything that keeps the events from being published."""
        faults: list[Diagnostic] = []
        for event, topic in self.topics.items():
            faults += [*topic.check_name(), *topic.check_event(event)]
        return faults

    @cached_property
    def _codecs(self) -> Mapping[type, Codec[object]]:
        return {event: codec(event) for event in self.topics}

    def wrap(self, event: object, call: Call | None = None) -> Envelope:
        """Return *event* as an envelope, with the id and the trace of the *call* that publishes it.

        Raises:
            TypeError: The class of *event* has no topic.
        """
        kind = type(event)
        topic = self.topics.get(kind)
        if topic is None:
            known = ", ".join(f"`{each.__name__}`" for each in self.topics) or "none"
            raise TypeError(
                f"`{kind.__name__}` has no topic (these have: {known}); "
                f'write {{{kind.__name__}: events.topic("...")}} where the outbox is made'
            )
        return Envelope(
            topic=topic.name,
            key=topic.key_of(event),
            type=kind.__name__,
            data=self._codecs[kind].encode(event),
            headers={} if call is None else _headers(call),
        )


def _headers(call: Call) -> dict[str, str]:
    headers = {name: call.metadata[name] for name in TRACE if name in call.metadata}
    headers[CALL_ID] = call.id
    return headers
