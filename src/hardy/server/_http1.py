"""HTTP/1.1 on one connection (RFC 9112).

Rule 1: bytes are kept as they came and parsed one request at a time; the next
head is looked at when the reply before it is complete. So replies are in order,
what pipelining costs is bounded by bytes, and nothing that belongs to one
request is taken for another.

Rule 2: the phase says what arriving bytes are, and only this file changes it.
"""

import asyncio
import math
from collections.abc import Sequence
from enum import Enum, auto

from hardy.server._body import Chunked, Counted, Inbox, gone
from hardy.server._connection import Connection, Host, unread_bytes
from hardy.server._errors import BodyTimeout, ClientGone, RequestFault
from hardy.server._fields import Field, Prepared, render
from hardy.server._head import HeadParser
from hardy.server._messages import Request, Response, ResponseStream, Tunnel
from hardy.server._problem import problem
from hardy.server._reply import BODILESS, STATUS_LINES, Http1Stream, Http1Tunnel, status_line
from hardy.server._wheel import TICK

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n"
_END = b"\r\n\r\n"
_GRACE = 1.0
"""Seconds that a connection which has not asked anything yet is given when the server stops."""


class Phase(Enum):
    """What arriving bytes are."""

    HEAD = auto()
    BODY = auto()
    LATER = auto()
    """They belong to requests after the one in flight."""
    TUNNEL = auto()
    DEAF = auto()
    """They are thrown away; the connection closes after the reply."""


_HEAD, _BODY, _LATER, _TUNNEL, _DEAF = Phase
# Members are kept in names of the module: reading one from the class costs as much as parsing a header.


class Http1(Connection):
    """One client speaking HTTP/1.1 or 1.0."""

    __slots__ = (
        "_begun",
        "_blank",
        "_data",
        "_hasty",
        "_heads",
        "_held",
        "_inbox",
        "_lines",
        "_phase",
        "_pos",
        "_reply",
        "_request",
        "_served",
        "_since",
    )

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(host, loop)
        self._data = b""
        self._pos: int = 0
        self._phase = _HEAD
        self._heads = HeadParser(self, host.limits)
        self._request: Request | None = None
        self._inbox: Inbox | None = None
        self._reply: Http1Stream | Http1Tunnel | None = None
        self._begun = False  # part of a head is here
        self._blank = False  # an empty line before the head was skipped
        self._lines = -1  # how many lines of it were screened
        self._since = 0.0  # when the body was begun, moved by the time in which nobody read it
        self._held = 0.0  # when reading the body was last paused
        self._hasty = False  # close without waiting for a client that was too slow before
        self._served = 0

    def identified(self) -> None:
        """Have requests say whom they come from."""
        self._heads.connected(scheme=self.scheme, peer=self.peer, server=self.server)

    # -- bytes arrive

    def data_received(self, data: bytes) -> None:
        """Take bytes for what the phase says they are."""
        self.host.counters.bytes_received += len(data)
        phase = self._phase
        if phase is _HEAD:
            self._data = self._data[self._pos :] + data if self._data else data
            self._pos = 0
            self._next()
        elif phase is _BODY:
            self._feed(data)
        elif phase is _LATER:
            self._data = self._data[self._pos :] + data
            self._pos = 0
            if len(self._data) > self.host.limits.pipelined_bytes:
                self.pause()
        elif phase is _TUNNEL and isinstance(self._reply, Http1Tunnel):
            self._reply.inbox.feed(data, 0)

    def eof_received(self) -> bool:
        """Learn that the client sends nothing more: what is in flight is told, and still answered."""
        self.ended = True
        if isinstance(self._reply, Http1Tunnel):
            self._reply.inbox.finish()
        elif self._request is not None:
            if self._phase is _BODY and self._inbox is not None:
                self._phase = _DEAF
                self._inbox.fail(gone())
            self._tell()
        if self.leaving:
            self.transport.close()
        elif self._request is None:
            self.leave()
        return True

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
        end = data.find(_END, pos)
        if end <= pos or data.startswith(b"\r\n", pos):
            self._partial()
            return
        end += 4
        try:
            request = self._heads.parse(data[pos:end])
        except RequestFault as fault:
            self.refuse(fault.status, fault.detail)
            return
        self._begun = self._blank = False
        self.due = math.inf
        length = request.content_length
        self._phase = _LATER
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
        self._served += 1
        counters = self.host.counters
        counters.requests += 1
        counters.in_flight += 1
        self._request = request
        self.task = self.loop.create_task(self._serve(request))

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
        self._phase = _BODY
        self._since = self.host.clock()
        if inbox.received:
            request.expects_continue = False
        if not request.expects_continue:
            self.watch(self._since + self.host.timeouts.body)
        return end

    def _feed(self, data: bytes) -> None:
        inbox = self._inbox
        if inbox is None:
            return
        end = inbox.feed(data, 0)
        if inbox.fault is not None:
            self._phase = _DEAF
            if self._request is None:
                self.leave()
        elif inbox.framing.done:
            self._data = data[end:]
            self._pos = 0
            self._phase = _LATER
            self.due = math.inf
            if self._request is None:
                self._idle()

    def _hold(self) -> None:
        if not self._paused:
            self._held = self.host.clock()
            self.due = math.inf
            self.pause()

    def _unhold(self) -> None:
        if self._paused and self._phase is _BODY:
            now = self.host.clock()
            self._since += now - self._held
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
            if self._phase is _BODY and self._reply is None and not inbox.received:
                self.write((_CONTINUE,))
                self._since = self.host.clock()
                self.watch(self._since + self.host.timeouts.body)
        return await inbox.take()

    # -- a reply

    async def _serve(self, request: Request) -> None:
        try:
            if self.gone:  # before the handler began, so it need not begin
                self._over(request)
                return
            response = await self.host.handle(request)
            if response is not None:
                self._answer(request, response)
            else:
                self._answered(request)
        except GeneratorExit:
            raise
        except BaseException as error:  # whatever a handler raises ends one request, not the server
            self._failed(request, error)

    def _answer(self, request: Request, response: Response) -> None:
        if self._reply is not None:
            raise RuntimeError("the handler returned a response after it had started a stream")
        if not self.gone:
            self._send(request, response)
        self._over(request)

    def _send(self, request: Request, response: Response) -> None:
        headers = response.headers
        if type(headers) is Prepared:
            raw, dated, length = headers.raw, headers.dated, headers.length
        else:
            raw, dated, length = render(headers)
        if response.extra:
            raw += render(response.extra)[0]
        status = response.status
        body = response.body
        line = STATUS_LINES.get(status) or status_line(status)
        if status in BODILESS:
            size = b"content-length: %d\r\n" % length if length >= 0 and status == 304 else b""
            body = b""
        elif request.method == "HEAD":
            size = b"content-length: %d\r\n" % (length if length >= 0 else len(body))
            body = b""
        elif length >= 0 and length != len(body):
            raise ValueError("the content-length is not the length of the body")
        else:
            size = b"content-length: %d\r\n" % len(body)
        host = self.host
        connection = self._connection_line(request)
        date = b"" if dated else host.date()
        if len(body) < 65_536:
            whole = b"".join((line, raw, date, size, connection, b"\r\n", body))
            host.counters.bytes_sent += len(whole)
            self.transport.write(whole)
        else:
            self.write((b"".join((line, raw, date, size, connection, b"\r\n")), body))

    def _connection_line(self, request: Request) -> bytes:
        """Decide whether the connection stays, note it in the request, and return the header that says it."""
        if (
            request.keep_alive
            and self.host.keeps
            and self._served < self.host.limits.requests_per_connection
            and (self._phase is _LATER or (self._phase is _BODY and self._drainable(request)))
        ):
            return b"" if request.version == "1.1" else b"connection: keep-alive\r\n"
        request.keep_alive = False
        return b"connection: close\r\n"

    def _drainable(self, request: Request) -> bool:
        inbox = self._inbox
        if inbox is None or request.expects_continue:
            return False
        return 0 <= inbox.framing.remaining <= self.host.limits.unread_body

    async def start(self, request: Request, status: int, headers: Sequence[Field]) -> ResponseStream:
        """Send the head of a streamed reply; see `Exchange`."""
        self._check(request)
        if self._reply is not None:
            raise RuntimeError("the request is answered already")
        if self.gone:
            raise gone()
        raw, dated, length = render(headers)
        line = status_line(status)
        chunked = length < 0 and request.version == "1.1" and status not in BODILESS
        if length >= 0:
            size = b"content-length: %d\r\n" % length if status != 204 else b""
        elif chunked:
            size = b"transfer-encoding: chunked\r\n"
        else:
            size = b""
            request.keep_alive = request.keep_alive and status in BODILESS
        connection = self._connection_line(request)
        mute = request.method == "HEAD" or status in BODILESS
        self._reply = Http1Stream(self, length=length, chunked=chunked, mute=mute)
        self.write((line, raw, b"" if dated else self.host.date(), size, connection, b"\r\n"))
        return self._reply

    async def upgrade(self, request: Request, headers: Sequence[Field]) -> Tunnel:
        """Answer 101; see `Exchange`."""
        self._check(request)
        if self._reply is not None:
            raise RuntimeError("the request is answered already")
        if self.gone:
            raise gone()
        options = request.fields.get(b"connection", b"").lower().replace(b" ", b"").split(b",")
        if b"upgrade" not in options or b"upgrade" not in request.fields or request.content_length:
            raise ValueError("the client did not ask for another protocol")
        raw = render(headers, upgrade=True)[0]
        self._reply = tunnel = Http1Tunnel(self)
        self._phase = _TUNNEL
        request.keep_alive = False
        self.write((_SWITCHING, raw, b"connection: upgrade\r\n\r\n"))
        if self._data:
            tunnel.inbox.feed(self._data, self._pos)
            self._data = b""
            self._pos = 0
        if self.ended:
            tunnel.inbox.finish()
        else:
            self.resume()
        return tunnel

    # -- the end of a request

    def _answered(self, request: Request) -> None:
        reply = self._reply
        if isinstance(reply, Http1Tunnel):
            reply.close()
        elif reply is None:
            raise RuntimeError("the handler neither returned a response nor started one")
        elif not reply.ended:
            if not self.gone:
                raise RuntimeError("the handler did not end the stream it had started")
        elif reply.broken:
            request.keep_alive = False
        self._over(request)

    def _failed(self, request: Request, error: BaseException) -> None:
        host = self.host
        if self._request is not request:  # it was answered: the fault is the engine's own
            host.failed(error, request)
            self.transport.abort()
            return
        request.keep_alive = False
        if isinstance(error, ClientGone) and (self.gone or self.ended):
            pass
        elif isinstance(error, RequestFault) and self._reply is None:
            self._refuse_request(request, error.status, error.detail)
        else:
            host.counters.failed += 1
            host.failed(error, request)
            if isinstance(self._reply, Http1Stream):
                self._reply.abort()
            elif self._reply is None:
                self._refuse_request(request, 500, "internal error")
        self._over(request)

    def _refuse_request(self, request: Request, status: int, detail: str) -> None:
        if self.gone:
            return
        try:
            self._send(request, self.host.render_error(status, detail))
        except Exception as error:  # the application's rendering is broken: the client still gets an answer
            self.host.failed(error, request)
            self._send(request, problem(500, "internal error"))

    def refuse(self, status: int, detail: str) -> None:
        """Answer what is no request with an error, and close."""
        self.host.counters.rejected += 1
        self.host.refused(self.peer, status, detail)
        self._phase = _DEAF
        nobody = self._heads.blank()
        self._refuse_request(nobody, status, detail)
        self.leave(linger=status != 408)

    def _over(self, request: Request) -> None:
        host = self.host
        host.counters.in_flight -= 1
        self._request = None
        self._reply = None
        self.task = None
        if self.gone:
            host.finished(self)
        elif not request.keep_alive:
            self.leave(linger=not self._hasty)
        elif self._phase is _BODY and self._inbox is not None:
            self._inbox.discard()
        else:
            self._idle()

    def _idle(self) -> None:
        """Go on with the next request, which may be here already."""
        self._inbox = None
        if self._pressed:  # a client that does not read its replies gets no more of them
            self._phase = _LATER
            return
        self._phase = _HEAD
        if self._paused and len(self._data) - self._pos <= self.host.limits.pipelined_bytes // 2:
            self.resume()
        if self._data:
            self._next()
        elif self.ended:
            self.leave()
        elif not (self.host.stopped and self.wind_up()):
            self.watch(self.host.clock() + self.host.timeouts.keep_alive)

    def resume_writing(self) -> None:
        """Let writers go on, and the next request."""
        super().resume_writing()
        if self._request is None and self._phase is _LATER:
            # Not at once: asyncio's transport is in the middle of writing and may not be closed there.
            self.loop.call_soon(self._thaw)

    def _thaw(self) -> None:
        if self._request is None and self._phase is _LATER and not self.gone:
            self._idle()

    def _check(self, request: Request) -> None:
        if self._request is not request:
            raise RuntimeError("the request is over")

    # -- timers and leaving

    def on_due(self, now: float) -> None:
        """Act on the timer of the phase."""
        if self.leaving:
            super().on_due(now)
            return
        self.due = math.inf
        if self._phase is _HEAD:
            self.host.counters.timeouts += 1
            if self._begun:
                self.refuse(408, "the head of the request did not arrive in time")
            else:
                self.leave(linger=False)
        elif self._phase is _BODY and self._inbox is not None and not self._paused:
            timeouts = self.host.timeouts
            allowed = max(timeouts.body, self._inbox.received / timeouts.min_rate if timeouts.min_rate else 0.0)
            if now - self._since + TICK < allowed:
                self.due = self._since + allowed
            else:
                self._body_late()

    def _body_late(self) -> None:
        self.host.counters.timeouts += 1
        self._phase = _DEAF
        self._hasty = True
        if self._request is None or self._inbox is None:
            self.leave(linger=False)
        else:
            self._request.keep_alive = False
            self._inbox.fail(BodyTimeout())

    def leave(self, *, linger: bool = True) -> None:
        """Close once everything written is sent, deaf to what comes."""
        self._phase = _DEAF
        self._data = b""
        self._pos = 0
        super().leave(linger=linger)

    def turn_away(self, reason: str) -> None:
        """Answer 503 to a connection that is one too many."""
        self._phase = _DEAF
        self._refuse_request(self._heads.blank(), 503, reason)
        self.leave()

    def wind_up(self) -> bool:
        """Close if no request is here, complete or not; return whether it was so."""
        if self.leaving or self.gone or self._phase is not _HEAD or self._begun or unread_bytes(self.transport):
            return False
        if not self._served and self.host.clock() < self.born + _GRACE:
            self.watch(self.born + _GRACE)  # its first request may be on the way
            return False
        self.leave(linger=False)
        return True
