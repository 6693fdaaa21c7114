"""How much a client may send, and how long it may take.

Every bound of the engine is a field here, so that settings, documentation and
tests read one list. Sizes are bytes, times are seconds.
"""

from dataclasses import dataclass, fields

_KIB = 1024


def _refuse_below(record: "Limits | Timeouts", least: float) -> None:
    for field in fields(record):
        value: object = getattr(record, field.name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= least:
            raise ValueError(f"{type(record).__name__}.{field.name} must be at least {least:g}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may cost in bytes and connections.

    Attributes:
        request_line: Longest request line; beyond it 414.
        headers: Most header fields in one request; beyond it 431.
        header_bytes: Bytes of all header fields; beyond it 431.
        body: Bytes of one request body after the transfer coding, unless the
            request's ``max_body`` was changed; beyond it 413.
        requests_per_connection: The last reply carries ``Connection: close``.
        connections: Open at once in all; beyond it 503.
        connections_per_peer: Open at once from one address; beyond it 503. A
            proxy is one peer, so this is no limit per user.
        pipelined_bytes: Kept of later requests while one is in flight; then
            reading pauses.
        unread_body: What is read and thrown away of a body that the handler
            left, to keep the connection; with more to come it is closed.
        buffered_body: Kept of a body that the handler has not read yet; then
            reading pauses.
        buffered_reply: Kept of a reply that the client has not read yet; then
            the handler waits. A streamed one has up to 64 KiB, or its last
            piece, beside it.

    Raises:
        ValueError: A limit is below one.

    Example:
        >>> Limits(body=64 * 1024).body
        65536
    """

    request_line: int = 8 * _KIB
    headers: int = 100
    header_bytes: int = 32 * _KIB
    body: int = 1024 * _KIB
    requests_per_connection: int = 10_000
    connections: int = 20_000
    connections_per_peer: int = 10_000
    pipelined_bytes: int = 64 * _KIB
    unread_body: int = 64 * _KIB
    buffered_body: int = 64 * _KIB
    buffered_reply: int = 64 * _KIB

    def __post_init__(self) -> None:
        _refuse_below(self, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a client may keep the server waiting, in seconds.

    A timer never ends late on purpose: it ends up to one tick (50 ms) early.

    Attributes:
        idle: From the connection to its first byte; then it is closed.
        header: From the first byte of a head to its end; then 408.
        body: For a whole body, longer while it comes at ``min_rate``, and
            between any two pieces of it; then 408. Time in which the handler
            does not read does not count.
        keep_alive: Between a reply and the next request; then it is closed.
        write: In which a client that has stopped reading must take at least
            ``min_rate`` times as many bytes; then the connection is cut.
        linger: After a reply that closes the connection, for the client to
            close its side, so that what it was still sending does not reset
            the connection before it has read the reply.
        close: For what is in flight when the server is left as a component.
        min_rate: Bytes a second.

    Raises:
        ValueError: A timeout is negative.
    """

    idle: float = 10.0
    header: float = 10.0
    body: float = 30.0
    keep_alive: float = 75.0
    write: float = 30.0
    linger: float = 2.0
    close: float = 5.0
    min_rate: float = 500.0

    def __post_init__(self) -> None:
        _refuse_below(self, 0)
