"""Replies of HTTP/1.1 on their way out: status lines, streams, tunnels."""

from http import HTTPStatus

from hardy.server._body import Endless, Inbox
from hardy.server._connection import Connection
from hardy.server._errors import ClientGone

BODILESS = frozenset((204, 304))
_REASONS = {499: "Client Closed Request"}


def _line(status: int, phrase: str) -> bytes:
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status.value: _line(status, status.phrase) for status in HTTPStatus if status >= 200}
STATUS_LINES.update({status: _line(status, phrase) for status, phrase in _REASONS.items()})


def status_line(status: int) -> bytes:
    """Return the status line of a final *status*.

    Raises:
        ValueError: It is none.
    """
    line = STATUS_LINES.get(status)
    if line is None:
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is no final status")
        line = _line(status, "")
    return line


class Http1Stream:
    """A reply sent piece by piece: counted, in chunks, up to the close, or (to HEAD) not at all."""

    __slots__ = ("_chunked", "_connection", "_left", "_mute", "broken", "ended")

    def __init__(self, connection: Connection, *, length: int, chunked: bool, mute: bool) -> None:
        self._connection = connection
        self._left = length
        self._chunked = chunked
        self._mute = mute
        self.ended = False
        self.broken = False

    async def write(self, data: bytes) -> None:
        """Send *data*; see `ResponseStream`."""
        if self.ended:
            raise _over()
        if not data:
            return
        if self._left >= 0:
            if len(data) > self._left and not self._mute:
                raise ValueError("the reply is longer than its content-length")
            self._left -= len(data)
        connection = self._connection
        if connection.gone:
            raise ClientGone("the client is gone")
        if self._mute:
            return
        if self._chunked:
            connection.write((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            connection.write((data,))
        if connection.pressed:
            await connection.flush()

    async def end(self) -> None:
        """Finish; see `ResponseStream`."""
        if self.ended:
            raise _over()
        if self._left > 0 and not self._mute:
            raise ValueError("the reply is shorter than its content-length")
        self.ended = True
        if self._connection.gone:
            raise ClientGone("the client is gone")
        if self._chunked and not self._mute:
            self._connection.write((b"0\r\n\r\n",))

    def abort(self) -> None:
        """Break off; see `ResponseStream`."""
        if self.ended:
            return
        self.ended = self.broken = True
        if self._chunked or self._left > 0:
            self._connection.leave()
        else:
            self._connection.cut()  # a plain close would look like the end


def _over() -> RuntimeError:
    return RuntimeError("the reply has ended")


class Http1Tunnel:
    """The raw connection after 101."""

    __slots__ = ("_closed", "_connection", "inbox")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closed = False
        self.inbox = Inbox(Endless(), connection.host.limits.buffered_body, connection.pause, connection.resume)

    async def read(self) -> bytes:
        """Return what has arrived; see `Tunnel`."""
        return await self.inbox.take()

    async def write(self, data: bytes) -> None:
        """Send *data*; see `Tunnel`."""
        if self._closed:
            raise RuntimeError("the tunnel is closed")
        if self._connection.gone:
            raise ClientGone("the client is gone")
        if data:
            self._connection.write((data,))
            await self._connection.flush()

    def close(self) -> None:
        """Close; see `Tunnel`."""
        if not self._closed:
            self._closed = True
            self.inbox.finish()
            self._connection.leave()
