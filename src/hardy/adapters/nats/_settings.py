"""What an operator says about NATS."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from hardy.config import Duration, Url


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSettings:
    """Where NATS is, and how events are kept there."""

    url: Url = "nats://127.0.0.1:4222"
    """`nats://user:password@host:4222`; the servers of a cluster separated by commas."""
    stream: Annotated[str, Meta(pattern=r"^[a-z0-9_-]+$", max_length=32)] = "events"
    """The JetStream stream, made when it is not there; all services that exchange events say the same."""
    partitions: Annotated[int, Meta(ge=1, le=256)] = 16
    """Into how many subjects a topic is spread by key, so how many events a group deals with at once, everywhere."""
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    """On how many servers of a cluster a stream that is made here is kept."""
    keep: Annotated[Duration, Meta(ge=0)] = 7 * 86400.0
    """How long a stream that is made here keeps events, delivered or not; 0 for ever."""
    ack_wait: Annotated[Duration, Meta(ge=1)] = 30.0
    """How long after its process was killed an event is given to another one."""
    connect_timeout: Annotated[Duration, Meta(gt=0)] = 5.0
    """How long opening waits for a server."""
    publish_timeout: Annotated[Duration, Meta(gt=0)] = 5.0
    """How long publishing waits for the confirmation of one event."""
    required: bool = False
    """Whether the service is not ready while NATS is away; with an outbox it does its work all the same."""
