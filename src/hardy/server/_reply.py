"""Replies of HTTP/1.1 on their way out: status lines, streams, tunnels."""

import asyncio
from http import HTTPStatus
from time import thread_time

from hardy.server._body import Endless, Inbox
from hardy.server._connection import Connection
from hardy.server._errors import ClientGone

JOINED = 65_536
"""Bytes of a streamed reply that are joined into one write at most, beside the last piece."""
SHARE = 0.00025
"""Seconds of one turn of the loop that a stream whose client keeps up may have; then others have theirs."""
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
    """A reply sent piece by piece: counted, in chunks, up to the close, or (to HEAD) not at all.

    A system call for each piece would cost more than making it. So what is
    written within one turn of the loop is joined, the head with it, and goes out
    when the loop comes round, when `JOINED` bytes are here, and with the end. A
    piece is never kept for another one to come. While the client does not read
    nothing is kept that the writer does not wait for.
    """

    __slots__ = (
        "_began",
        "_chunked",
        "_clock",
        "_connection",
        "_joined",
        "_left",
        "_mute",
        "_rest",
        "_turn",
        "broken",
        "ended",
    )

    def __init__(self, connection: Connection, *, length: int, chunked: bool, mute: bool, head: bytes) -> None:
        self._connection = connection
        self._clock = connection.host.stopwatch
        self._left = length
        self._chunked = chunked
        self._mute = mute
        self._joined = bytearray(head)
        self._turn = False  # something was written in this turn of the loop
        self._began = 0.0  # the turn, by the time that this thread had the CPU
        self._rest = 0.0  # when the writer has had its share of the turn
        self.ended = False
        self.broken = False
        self._begin()

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
        if not self._turn:
            self._begin()
        if self._mute:
            pass
        elif len(data) >= JOINED:
            self._send()
            connection.write((b"%x\r\n" % len(data), data, b"\r\n") if self._chunked else (data,))
        else:
            joined = self._joined
            joined += b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
            if len(joined) >= JOINED:
                self._send()
        if connection.pressed:
            self._give_way()
            await connection.flush()
        elif self._clock() >= self._rest:  # one that never waits for anything would keep all others waiting
            self._give_way()
            await asyncio.sleep(0)

    def _begin(self) -> None:
        """Note the first piece of a turn of the loop."""
        self._turn = True
        self._began = thread_time()
        self._rest = self._clock() + SHARE
        self._connection.loop.call_soon(self._turned)

    def _turned(self) -> None:
        """Send what was written since the loop was here last."""
        self._turn = False
        self._send()

    def _send(self) -> None:
        joined = self._joined
        if joined:
            self._joined = bytearray()
            if not self._connection.gone:
                self._connection.write((bytes(joined),))

    def _give_way(self) -> None:
        """Tell that others have their turn now, though this one may have had more to send."""
        now = thread_time()
        self._connection.host.load.gave_way(now - self._began)
        self._began = now

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
            self._joined += b"0\r\n\r\n"
        self._send()

    def abort(self) -> None:
        """Break off, after what was written; see `ResponseStream`."""
        if self.ended:
            return
        self.ended = self.broken = True
        self._send()
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
