"""An event on its way: what it is, and what is written on the outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

CALL_ID = "x-request-id"
"""The header with the id of the call that published; the consumer's call goes by the same."""
TRACE = ("traceparent", "tracestate")
"""The headers of a trace (W3C Trace Context)."""


def new_event_id() -> str:
    """Return an id for an event: 32 hexadecimal digits, never the same twice.

    Example:
        >>> len(new_event_id())
        32
    """
    return uuid4().hex


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as it travels: encoded, addressed, and named for good.

    Example:
        >>> Envelope(topic="orders.placed", key="42", type="OrderPlaced", data=b"{}").key
        '42'
    """

    topic: str
    data: bytes
    """The event itself, as JSON."""
    key: str | None = None
    """Events of one topic with the same key arrive in the order they were published; none: in any order."""
    type: str = ""
    """The name of the event's class."""
    id: str = field(default_factory=new_event_id)
    """The same however often the event is delivered: whoever did it already knows by this."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What travels beside it, names in lower case: `CALL_ID`, the trace."""
    time: datetime = field(default_factory=_now)
    """When it was published."""
