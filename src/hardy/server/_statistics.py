"""What a server has done and is doing, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A server's counters at one moment.

    Attributes:
        connections: Open now.
        accepted: Connections since the start, refused ones included.
        refused: Connections that were one too many.
        unsecured: Clients that did not agree on TLS.
        in_flight: Requests that a handler works on now.
        requests: Handed to a handler since the start.
        rejected: Requests that the engine answered with an error itself.
        shed: Requests that were refused because of overload.
        failed: Handlers that raised or never answered.
        timeouts: Connections closed because a client was slow.
        bytes_received: Since the start, heads included.
        bytes_sent: Handed to the transport since the start.
    """

    connections: int = 0
    accepted: int = 0
    refused: int = 0
    unsecured: int = 0
    in_flight: int = 0
    requests: int = 0
    rejected: int = 0
    shed: int = 0
    failed: int = 0
    timeouts: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0


class Counters:
    """The same while they are counted."""

    __slots__ = (
        "accepted",
        "bytes_received",
        "bytes_sent",
        "failed",
        "in_flight",
        "refused",
        "rejected",
        "requests",
        "shed",
        "timeouts",
        "unsecured",
    )

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.unsecured = 0
        self.in_flight = 0
        self.requests = 0
        self.rejected = 0
        self.shed = 0
        self.failed = 0
        self.timeouts = 0
        self.bytes_received = 0
        self.bytes_sent = 0

    def freeze(self, connections: int) -> Statistics:
        """Return the numbers as they are now."""
        return Statistics(connections=connections, **{name: getattr(self, name) for name in self.__slots__})
