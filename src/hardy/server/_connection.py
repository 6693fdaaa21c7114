"""What every connection does, whatever it speaks: flow control, timers, leaving.

`Connection` is the asyncio protocol; `Host` is what it needs of its server.
"""

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from hardy.core import ClientCertificate, Notice
from hardy.server._body import gone
from hardy.server._limits import Limits, Timeouts
from hardy.server._lines import FieldLines
from hardy.server._messages import Handle, Load, RenderError, RenderShed, Request
from hardy.server._sockets import address_of
from hardy.server._statistics import Counters
from hardy.server._tls import client_certificate
from hardy.server._wheel import TICK, Wheel

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: what is unsent is thrown away, and the client gets a reset."""


class Guest(Protocol):
    """What a server counts and ends: a connection, or a handshake that may become one."""

    @property
    def peer(self) -> str: ...
    @property
    def task(self) -> asyncio.Task[None] | None: ...

    def wind_up(self) -> bool:
        """Close if nothing is in flight; return whether it was so."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


class Before(Protocol):
    """The handshake that a connection comes from."""

    def release(self) -> None:
        """Count no more: the connection counts from here on."""
        ...


class Host(Protocol):
    """What connections share: the server, as they see it.

    Attributes:
        keeps: Whether connections may stay open after a reply.
        stopped: Whether idle connections are closed.
        clock: Seconds, for timers; whole milliseconds of them where the loop is uvloop.
        stopwatch: Seconds, for what takes less than that.
    """

    limits: Limits
    timeouts: Timeouts
    counters: Counters
    lines: FieldLines
    wheel: Wheel
    clock: Callable[[], float]
    stopwatch: Callable[[], float]
    handle: Handle
    render_error: RenderError
    load: Load
    render_shed: RenderShed
    keeps: bool
    stopped: bool

    def connection(self) -> "Connection":
        """Return what will speak with one client."""
        ...

    def admit(self, connection: Guest) -> str | None:
        """Count *connection*; return why it is one too many, or None."""
        ...

    def dismiss(self, connection: Guest) -> None:
        """Forget *connection*, which is closed."""
        ...

    def finished(self, connection: Guest) -> None:
        """Learn that what *connection*, which was dismissed, still worked on is over."""
        ...

    def failed(self, error: BaseException, request: Request | None) -> None:
        """Learn of an error that nobody else will hear of."""
        ...

    def refused(self, peer: str, status: int, detail: str) -> None:
        """Learn that a request was answered with an error of the engine's own."""
        ...

    def unsecured(self, peer: str, detail: str) -> None:
        """Learn that a client did not agree on TLS."""
        ...

    def emit(self, notice: Notice, /) -> None:
        """Pass *notice* on."""
        ...

    def date(self) -> bytes:
        """Return the ``date`` header line of this second."""
        ...


class _Stall:
    """The timer of a client that does not read: it must take something now and then."""

    __slots__ = ("_connection", "_unsent", "due", "slot")

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._unsent = 0
        self.due = math.inf
        self.slot = -1

    def begin(self) -> None:
        """Begin a stretch in which the client must read."""
        connection = self._connection
        self._unsent = connection.transport.get_write_buffer_size()
        self.due = connection.host.clock() + connection.host.timeouts.write
        connection.host.wheel.watch(self)

    def on_due(self, now: float) -> None:
        """Cut the connection unless the client has read enough meanwhile."""
        connection = self._connection
        timeouts = connection.host.timeouts
        unsent = connection.transport.get_write_buffer_size()
        if unsent and self._unsent - unsent < min(timeouts.min_rate * timeouts.write, self._unsent):
            connection.host.counters.timeouts += 1
            connection.cut()
            self.due = math.inf
        else:
            self._unsent = unsent
            self.due = now + timeouts.write if unsent else math.inf


class Connection(asyncio.Protocol):
    """One client, until both sides have closed.

    Attributes:
        due: When `on_due` shall be called; see `Wheel`.
        leaving: This side has sent its last byte and only waits for the client's.
        gone: There is nobody to write to any more.
        ended: The client will send nothing more.
        pressed: The client does not read what is written.
    """

    __slots__ = (
        "_drained",
        "_lingers",
        "_paused",
        "_server",
        "_stall",
        "before",
        "born",
        "certificate",
        "due",
        "ended",
        "gone",
        "host",
        "leaving",
        "loop",
        "peer",
        "pressed",
        "scheme",
        "slot",
        "task",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self.host = host
        self.loop = loop
        self.due = math.inf
        self.slot = -1
        self.born = 0.0
        self.peer = "unix"
        self.scheme = "http"
        self.certificate: ClientCertificate | None = None
        self.before: Before | None = None
        self.task: asyncio.Task[None] | None = None
        self.leaving = False
        self.gone = False
        self.ended = False
        self._lingers = False  # over TLS: the client shall close first
        self._paused = False  # we do not read
        self.pressed = False
        self._server = ""
        self._stall: _Stall | None = None
        self._drained: list[asyncio.Future[None]] = []

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.peer = address_of(transport.get_extra_info("peername"))
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
            self._server = address_of(transport.get_extra_info("sockname"))  # a closed one does not know any more
            self.certificate = client_certificate(transport.get_extra_info("peercert"))
        if self.before is not None:
            self.before.release()
            self.before = None
            self.host.counters.accepted -= 1  # it is still the same one
        self.identified()
        self.transport.set_write_buffer_limits(high=self.host.limits.buffered_reply)
        self.born = self.host.clock()
        refusal = self.host.admit(self)
        if refusal is None:
            self.watch(self.born + self.host.timeouts.idle)
        else:
            self.turn_away(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.gone = True
        self.ended = True
        self.host.wheel.forget(self)
        if self._stall is not None:
            self.host.wheel.forget(self._stall)
        self._release()
        self.abandoned()
        self.host.dismiss(self)

    def pause_writing(self) -> None:
        """Have writers wait, and the client hurry."""
        self.pressed = True
        self._hurry()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self.pressed = False
        if self._stall is not None and not self.leaving:
            self._stall.due = math.inf
        if self.leaving and self.scheme == "https":
            self.loop.call_soon(self._part)  # asyncio's transport is in the middle of writing
        self._release()

    @property
    def server(self) -> str:
        """Where the client is connected to; few ask, so it is not worked out before."""
        return self._server or address_of(self.transport.get_extra_info("sockname"))

    # -- for the protocol spoken

    def identified(self) -> None:
        """Learn that both ends' addresses are known."""
        raise NotImplementedError

    def turn_away(self, reason: str) -> None:
        """Answer a connection that is one too many."""
        raise NotImplementedError

    def abandoned(self) -> None:
        """Learn that the client is gone."""
        raise NotImplementedError

    def wind_up(self) -> bool:
        """Close if nothing is in flight; return whether it was so."""
        raise NotImplementedError

    def on_due(self, now: float) -> None:
        """Act on a timer: here, close a connection that lingered."""
        self.due = math.inf
        if not self.leaving:
            return
        if self.transport.get_write_buffer_size():
            self.due = now + max(self.host.timeouts.linger, TICK)  # the timer of slow readers is on it
        else:
            self.transport.close()

    # -- verbs

    def watch(self, due: float) -> None:
        """Have `on_due` called at *due*."""
        self.due = due
        slot = self.slot
        if slot < 0 or due < slot * TICK:
            self.host.wheel.watch(self)

    def abort(self) -> None:
        """End the connection at once, whatever is unsent."""
        self.transport.abort()

    def cut(self) -> None:
        """Reset the connection, so that the client can tell that something is missing."""
        sock: object = self.transport.get_extra_info("socket")
        if sock is not None and hasattr(sock, "setsockopt"):
            with contextlib.suppress(OSError):
                cast("socket.socket", sock).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.leaving = True
        self.transport.abort()

    def write(self, pieces: Sequence[bytes]) -> None:
        """Send *pieces*, small ones in one go."""
        size = sum(map(len, pieces))
        self.host.counters.bytes_sent += size
        if size < 65_536:
            self.transport.write(b"".join(pieces))
        else:
            # Not writelines: in early releases of Python 3.12 asyncio's own does not hold the writer back.
            for piece in pieces:
                self.transport.write(piece)

    async def flush(self) -> None:
        """Wait until the client has read enough.

        Raises:
            ClientGone: It will not.
        """
        while self.pressed and not self.gone:
            waiter = self.loop.create_future()
            self._drained.append(waiter)
            await waiter
        if self.gone:
            raise gone()

    def pause(self) -> None:
        """Stop reading from the client."""
        if not self._paused and not self.gone:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read from the client again."""
        if self._paused:
            self._paused = False
            if not self.ended and not self.transport.is_closing():
                self.transport.resume_reading()

    def leave(self, *, linger: bool = True) -> None:
        """Close once everything written is sent.

        What the client still sends meanwhile is read and thrown away: closing
        with unread bytes would reset the connection and could destroy the
        reply before the client has read it.
        """
        if self.leaving or self.gone:
            return
        self.leaving = True
        if self.transport.is_closing():
            return
        self.resume()
        if self.scheme == "https":
            self._lingers = linger and not self.ended
            # asyncio's TLS throws away what the client is slow to take when it is closed.
            self.transport.set_write_buffer_limits(high=0)
            if not self.transport.get_write_buffer_size():
                self._part()
        elif not linger or self.ended:
            self.transport.close()
        else:
            with contextlib.suppress(OSError):  # the client was faster, and the loop has not noticed yet
                self.transport.write_eof()
        if self.transport.get_write_buffer_size():
            self._hurry()
        self.watch(self.host.clock() + self.host.timeouts.linger)

    def _part(self) -> None:
        """Close TLS now that everything is sent, unless the client may be sending still.

        A farewell of TLS ends both directions, and then what still comes would
        reset the connection; so the client, which can tell that its answer is
        whole, is given the time to close first.
        """
        if (not self._lingers or self.ended) and not self.gone:
            self.transport.close()

    def _hurry(self) -> None:
        if self._stall is None:
            self._stall = _Stall(self)
        self._stall.begin()

    def _release(self) -> None:
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
