"""HTTP/1.1 requests on their way in (RFC 9112): bytes become heads and bodies.

Rule 1: bytes are kept as they came and parsed one request at a time; the next
head is looked at when the reply before it is complete. So replies are in order,
what pipelining costs is bounded by bytes, and nothing that belongs to one
request is taken for another.

Rule 2: the phase says what arriving bytes are.
"""

import asyncio
import math
from enum import Enum, auto

from hardy.server._body import Chunked, Counted, Inbox, gone
from hardy.server._connection import Connection, Host
from hardy.server._errors import BodyTimeout, RequestFault
from hardy.server._head import HeadParser
from hardy.server._messages import Request
from hardy.server._reply import Http1Stream, Http1Tunnel
from hardy.server._wheel import TICK

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_END = b"\r\n\r\n"
_MOST_WASTED = 16 * 1024 * 1024
"""What is read and thrown away behind the last reply, for clients that only read it once they have sent everything."""


class Phase(Enum):
    """What arriving bytes are."""

    HEAD = auto()
    BODY = auto()
    LATER = auto()
    """They belong to requests after the one in flight."""
    TUNNEL = auto()
    DEAF = auto()
    """They are thrown away; the connection closes after the reply."""


HEAD, BODY, LATER, TUNNEL, DEAF = Phase
# Members are kept in names of the module: reading one from the class costs as much as parsing a header.


class Reader(Connection):
    """The reading half of `Http1`, which says what happens with the requests."""

    __slots__ = (
        "_begun",
        "_blank",
        "_data",
        "_earned",
        "_hasty",
        "_heads",
        "_held",
        "_inbox",
        "_lines",
        "_phase",
        "_pos",
        "_reply",
        "_request",
        "_since",
        "_wasted",
    )

    _heads: HeadParser

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(host, loop)
        self._data = b""
        self._pos: int = 0
        self._phase = HEAD
        self._request: Request | None = None
        self._inbox: Inbox | None = None
        self._reply: Http1Stream | Http1Tunnel | None = None
        self._begun = False  # part of a head is here
        self._blank = False  # an empty line before the head was skipped
        self._lines = -1  # how many lines of it were screened
        self._since = 0.0  # when the body was begun, moved by the time in which nobody read it
        self._earned = 0.0  # until when what has arrived of the body lets it go on
        self._held = 0.0  # when reading the body was last paused
        self._wasted = 0  # bytes thrown away since the last reply
        self._hasty = False  # close without waiting for a client that was too slow before

    # -- for the writing half

    def begin(self, request: Request) -> None:
        """Have *request* answered."""
        raise NotImplementedError

    def refuse(self, status: int, detail: str) -> None:
        """Answer what is no request with an error, and close."""
        raise NotImplementedError

    def idle(self) -> None:
        """Go on with the next request."""
        raise NotImplementedError

    def identified(self) -> None:
        """Have requests say whom they come from."""
        self._heads.connected(scheme=self.scheme, peer=self.peer, certificate=self.certificate)

    # -- bytes arrive

    def data_received(self, data: bytes) -> None:
        """Take bytes for what the phase says they are."""
        self.host.counters.bytes_received += len(data)
        phase = self._phase
        if phase is HEAD:
            self._data = self._data[self._pos :] + data if self._data else data
            self._pos = 0
            self._next()
        elif phase is BODY:
            self._feed(data)
        elif phase is LATER:
            self._data = self._data[self._pos :] + data
            self._pos = 0
            if len(self._data) > self.host.limits.pipelined_bytes:
                self.pause()
        elif phase is TUNNEL and isinstance(self._reply, Http1Tunnel):
            self._reply.inbox.feed(data, 0)
        elif self.leaving:
            self._wasted += len(data)
            if self._wasted > _MOST_WASTED:
                self.pause()

    def eof_received(self) -> bool:
        """Learn that the client sends nothing more: what is in flight is told, and still answered."""
        self.ended = True
        if isinstance(self._reply, Http1Tunnel):
            self._reply.inbox.finish()
        elif self._request is not None:
            if self._phase is BODY and self._inbox is not None:
                self._phase = DEAF
                self._inbox.fail(gone())
            self._tell()
        if self.leaving:
            self.transport.close()
        elif self._request is None:
            self.leave()
        return self.scheme == "http"  # TLS has no half-closed connections

    def abandoned(self) -> None:
        """Tell whoever still works for the client."""
        if self._inbox is not None:
            self._inbox.fail(gone())
        if isinstance(self._reply, Http1Tunnel):
            self._reply.inbox.finish()
        self._tell()

    def _tell(self) -> None:
        request = self._request
        if request is None or request.on_gone is None:
            return
        callback, request.on_gone = request.on_gone, None
        try:
            callback()
        except Exception as error:  # the connection must be cleaned up whatever the callback does
            self.host.failed(error, request)

    # -- a head

    def _next(self) -> None:
        data, pos = self._data, self._pos
        heads = self._heads
        last = heads.last
        if last and data.startswith(last, pos):
            end = pos + len(last)
            request = heads.again()
        else:
            end = data.find(_END, pos) + 4
            if end <= pos + 4 or data.startswith(b"\r\n", pos):
                self._partial()
                return
            try:
                request = heads.parse(data[pos:end])
            except RequestFault as fault:
                self.refuse(fault.status, fault.detail)
                return
        self._begun = self._blank = False
        self.due = math.inf
        length = request.content_length
        self._phase = LATER
        if not length:
            request.body = b""
        elif 0 < length <= len(data) - end and length <= request.max_body:
            request.body = data[end : end + length]
            end += length
        else:
            end = self._open_body(request, data, end)
            if end < 0:
                return
        if end == len(data):
            self._data = b""
            self._pos = 0
        else:
            self._pos = end
        self.begin(request)

    def _partial(self) -> None:
        """Look at what is no complete head yet; start its timer, refuse what cannot become one."""
        rest = self._data[self._pos :]
        if rest.startswith(b"\r\n") and not self._blank:
            # RFC 9112 section 2.2: one empty line before a request is ignored, some old clients send it.
            self._blank = True
            self._data = rest[2:]
            self._pos = 0
            self._next()
            return
        self._data = rest
        self._pos = 0
        if rest and not self._begun:
            self._begun = True
            self._lines = -1
            self.watch(self.host.clock() + self.host.timeouts.header)
        if rest and rest != b"\r":
            lines = rest.count(b"\n")
            try:
                self._heads.screen(rest, thorough=lines != self._lines)
            except RequestFault as fault:
                self.refuse(fault.status, fault.detail)
                return
            self._lines = lines
        if self.ended:
            self.leave()
        elif not rest and self.due == math.inf:
            self.watch(self.host.clock() + self.host.timeouts.keep_alive)

    # -- a body

    def _open_body(self, request: Request, data: bytes, start: int) -> int:
        """Begin a body that is not here as a whole, or is no plain slice; return where what follows begins, or -1."""
        length = request.content_length
        inbox = Inbox(
            Counted(length) if length > 0 else Chunked(), self.host.limits.buffered_body, self._hold, self._unhold
        )
        end = inbox.feed(data, start)
        if inbox.fault is not None:
            self.refuse(400, str(inbox.fault.detail) if isinstance(inbox.fault, RequestFault) else "malformed body")
            return -1
        self._inbox = inbox
        if inbox.framing.done:
            if inbox.received <= request.max_body:
                request.body = bytes(inbox.buffer)
                self._inbox = None
            return end
        self._phase = BODY
        self._since = self._earned = self.host.clock()
        if inbox.received:
            request.expects_continue = False
            self._earn(inbox.received)
        if not request.expects_continue:
            self.watch(self._since + self.host.timeouts.body)
        return end

    def _feed(self, data: bytes) -> None:
        inbox = self._inbox
        if inbox is None:
            return
        end = inbox.feed(data, 0)
        self._earn(len(data))
        if inbox.fault is not None:
            self._phase = DEAF
            if self._request is None:
                self.leave()
        elif inbox.framing.done:
            self._data = data[end:]
            self._pos = 0
            self._phase = LATER
            self.due = math.inf
            if self._request is None:
                self.idle()

    def _earn(self, size: int) -> None:
        """Give the sender of *size* bytes the time for the next ones.

        No more of it than a body has in all: whoever has sent a lot may not
        rest on it.
        """
        timeouts = self.host.timeouts
        if timeouts.min_rate:
            now = self.host.clock()
            self._earned = min(self._earned + size / timeouts.min_rate, now + timeouts.body)

    def _hold(self) -> None:
        if not self._paused:
            self._held = self.host.clock()
            self.due = math.inf
            self.pause()

    def _unhold(self) -> None:
        if self._paused and self._phase is BODY:
            now = self.host.clock()
            self._since += now - self._held
            self._earned += now - self._held
            self.resume()
            self.watch(max(now, self._since + self.host.timeouts.body))

    async def receive(self, request: Request) -> bytes:
        """Return the next piece of the body; see `Exchange`."""
        self._check(request)
        inbox = self._inbox
        if inbox is None:
            return b""
        if request.expects_continue:
            request.expects_continue = False
            if self._phase is BODY and self._reply is None and not inbox.received:
                self.write((_CONTINUE,))
                self._since = self._earned = self.host.clock()
                self.watch(self._since + self.host.timeouts.body)
        return await inbox.take()

    def _check(self, request: Request) -> None:
        if self._request is not request:
            raise RuntimeError("the request is over")

    # -- timers

    def on_due(self, now: float) -> None:
        """Act on the timer of the phase."""
        if self.leaving:
            super().on_due(now)
            return
        self.due = math.inf
        if self._phase is HEAD:
            self.host.counters.timeouts += 1
            if self._begun:
                self.refuse(408, "the head of the request did not arrive in time")
            else:
                self.leave(linger=False)
        elif self._phase is BODY and self._inbox is not None and not self._paused:
            end = max(self._since + self.host.timeouts.body, self._earned)
            if now + TICK < end:
                self.due = end
            else:
                self._body_late()

    def _body_late(self) -> None:
        self.host.counters.timeouts += 1
        self._phase = DEAF
        self._hasty = True
        if self._request is None or self._inbox is None:
            self.leave(linger=False)
        else:
            self._request.keep_alive = False
            self._inbox.fail(BodyTimeout())
