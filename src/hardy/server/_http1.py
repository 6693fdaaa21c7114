"""HTTP/1.1 on one connection (RFC 9112): requests are handed over, replies go out."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

from hardy.server._body import gone
from hardy.server._connection import Host
from hardy.server._errors import ClientGone, RequestFault
from hardy.server._fields import USUAL, Field, Prepared, line_of, render
from hardy.server._head import HeadParser
from hardy.server._messages import Request, Response, ResponseStream, Tunnel
from hardy.server._problem import problem
from hardy.server._reader import BODY, DEAF, HEAD, LATER, TUNNEL, Reader
from hardy.server._reply import BODILESS, STATUS_LINES, Http1Stream, Http1Tunnel, status_line
from hardy.server._sockets import unread_bytes
from hardy.server._wheel import TICK

_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n"
_COMPLETE = frozenset((HEAD, LATER, TUNNEL))
_GRACE = 1.0
"""Seconds that a connection which has not asked anything yet is given when the server stops."""


def _maker(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[object, object, None]], "asyncio.Task[None]"]:
    """Return what makes tasks: with a name of ours, for a number of its own costs each a fourth of the whole."""
    if loop.get_task_factory() is not None:
        return loop.create_task
    return partial(asyncio.Task, loop=loop, name="hardy: request")


class Http1(Reader):
    """One client speaking HTTP/1.1 or 1.0."""

    __slots__ = ("_make_task", "_most", "_served")

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(host, loop)
        self._heads = HeadParser(self, host.limits, host.lines)
        self._served = 0
        self._most = host.limits.requests_per_connection
        self._make_task = _maker(loop)

    def begin(self, request: Request) -> None:
        """Have the handler answer *request*, in a task of its own."""
        self._served += 1
        host = self.host
        counters = host.counters
        counters.requests += 1
        counters.in_flight += 1
        self._request = request
        if host.load.admits():
            self.task = self._make_task(self._serve(request))
        else:
            self._shed(request)

    def _shed(self, request: Request) -> None:
        """Refuse *request* because of overload: no task, nothing read, nothing decoded."""
        self.host.counters.shed += 1
        try:
            response = self.host.render_shed(request)
        except Exception as error:  # the application's rendering is broken: the client still gets an answer
            self.host.failed(error, request)
            response = problem(503, "the service is overloaded")
        if self._data:  # answered in the next turn, or a long pipeline would be as deep a recursion
            self.loop.call_soon(self._answer, request, response)
        else:
            self._answer(request, response)

    # -- a reply

    async def _serve(self, request: Request) -> None:
        try:
            if self.gone:  # before the handler began, so it need not begin
                self._over(request)
                return
            response = await self.host.handle(request)
            if response is None:
                self._answered(request)
            elif self._reply is None and not self.gone:
                self._send(request, response)
                self._over(request)
            else:
                self._answer(request, response)
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
        headers, body, host = response.headers, response.body, self.host
        begun = headers.begun.get(response.status) if type(headers) is Prepared else None
        if begun is None or request.method == "HEAD":
            begun, date, size, body = self._reply_begins(request, response)
        else:
            date, size = host.date(), b"content-length: %d\r\n" % len(body)
        for name, value in response.extra:
            start = USUAL.get(name)
            # In letters and digits is nothing that could end the line.
            begun += start + value + b"\r\n" if start is not None and value.isalnum() else line_of(name, value)
        stays = (
            self._phase is LATER
            and request.keep_alive
            and host.keeps
            and self._served < self._most
            and request.version == "1.1"
        )  # what `_connection_line` finds for nearly all
        connection = b"" if stays else self._connection_line(request)
        if len(body) < 65_536:
            whole = b"".join((begun, date, size, connection, b"\r\n", body))
            host.counters.bytes_sent += len(whole)
            self.transport.write(whole)
        else:
            self.write((b"".join((begun, date, size, connection, b"\r\n")), body))

    def _reply_begins(self, request: Request, response: Response) -> tuple[bytes, bytes, bytes, bytes]:
        """Return status line and fields of a reply, its date, the line with its length, and its body.

        How it begins is kept with fields that were prepared, unless they say more than most.
        """
        headers, status, body = response.headers, response.status, response.body
        prepared = headers if isinstance(headers, Prepared) else None
        raw, dated, length = (prepared.raw, prepared.dated, prepared.length) if prepared else render(headers)
        begun = (STATUS_LINES.get(status) or status_line(status)) + raw
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
            if prepared is not None and length < 0 and not dated:
                prepared.begun[status] = begun
        return begun, b"" if dated else self.host.date(), size, body

    def _connection_line(self, request: Request) -> bytes:
        """Decide whether the connection stays, note it in the request, and return the header that says it."""
        if (
            request.keep_alive
            and self.host.keeps
            and self._served < self._most
            and (self._phase is LATER or (self._phase is BODY and self._drainable(request)))
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
        head = b"".join((line, raw, b"" if dated else self.host.date(), size, connection, b"\r\n"))
        self._reply = Http1Stream(self, length=length, chunked=chunked, mute=mute, head=head)
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
        self._phase = TUNNEL
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
        self._phase = DEAF
        nobody = self._heads.blank()
        self._refuse_request(nobody, status, detail)
        self.leave(linger=status != 408)

    def _over(self, request: Request) -> None:
        host = self.host
        host.counters.in_flight -= 1
        request.on_gone = None  # it knows the request: a ring that only the collector would undo
        self._request = None
        self._reply = None
        self.task = None
        if self.gone:
            host.finished(self)
        elif not request.keep_alive:
            self.leave(linger=not self._hasty)
        elif self._phase is BODY and self._inbox is not None:
            self._inbox.discard()
        else:
            self.idle()

    def idle(self) -> None:
        """Go on with the next request, which may be here already."""
        self._inbox = None
        if self.pressed:  # a client that does not read its replies gets no more of them
            self._phase = LATER
            return
        self._phase = HEAD
        if self._paused and len(self._data) - self._pos <= self.host.limits.pipelined_bytes // 2:
            self.resume()
        if self._data:
            self._next()
        elif self.ended:
            self.leave()
        else:
            host = self.host
            if not (host.stopped and self.wind_up()):
                self.due = due = host.clock() + host.timeouts.keep_alive
                if not 0 <= self.slot <= due / TICK:  # as `watch` does
                    host.wheel.watch(self)

    def resume_writing(self) -> None:
        """Let writers go on, and the next request."""
        super().resume_writing()
        if self._request is None and self._phase is LATER:
            # Not at once: asyncio's transport is in the middle of writing and may not be closed there.
            self.loop.call_soon(self._thaw)

    def _thaw(self) -> None:
        if self._request is None and self._phase is LATER and not self.gone:
            self.idle()

    # -- leaving

    def leave(self, *, linger: bool = True) -> None:
        """Close once everything written is sent, deaf to what comes."""
        if self.scheme == "https" and self._phase in _COMPLETE and not self._data:
            linger = False  # the client sends nothing more, and waits for the farewell
        self._phase = DEAF
        self._data = b""
        self._pos = 0
        super().leave(linger=linger)

    def turn_away(self, reason: str) -> None:
        """Answer 503 to a connection that is one too many."""
        self._phase = DEAF
        self._refuse_request(self._heads.blank(), 503, reason)
        self.leave()

    def wind_up(self) -> bool:
        """Close if no request is here, complete or not; return whether it was so."""
        if self.leaving or self.gone or self._phase is not HEAD or self._begun or unread_bytes(self.transport):
            return False
        if not self._served and self.host.clock() < self.born + _GRACE:
            self.watch(self.born + _GRACE)  # its first request may be on the way
            return False
        self.leave(linger=False)
        return True
