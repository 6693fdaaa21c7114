"""The server: listens, counts, and comes to an orderly end."""

import asyncio
import math
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from hardy.core import Emit, Notice
from hardy.server._connection import Connection, Guest
from hardy.server._fields import http_date
from hardy.server._handshake import Handshake, SecureListener
from hardy.server._hold_back import hold_back
from hardy.server._http1 import Http1
from hardy.server._limits import Limits, Timeouts
from hardy.server._lines import FieldLines
from hardy.server._listen import Address, address_of_socket, bind, empty_backlog
from hardy.server._messages import AnyLoad, Handle, Load, RenderError, RenderShed, Request, Response
from hardy.server._notices import (
    ConnectionRefused,
    HandshakeFailed,
    RequestRefused,
    ServerListening,
    ServerStopped,
)
from hardy.server._problem import problem
from hardy.server._statistics import Counters, Statistics
from hardy.server._tls import Tls
from hardy.server._unix import UnixSocket, identity
from hardy.server._wheel import Wheel

Place = tuple[str, int] | UnixSocket | socket.socket
"""Where a server listens: host and port, a path, or a socket that listens already."""

_TURNS = 4
"""Turns in which asyncio's loop makes a connection of what it has accepted; one that is not made yet is lost to it."""
OnError = Callable[[BaseException, Request | None], None]
"""Told of an error that no client will hear of, and of the request it belongs to."""


def _silent(notice: Notice) -> None:
    """Tell nobody."""


def _overloaded(request: Request) -> Response:
    return problem(503, "the server is overloaded")


class Server:
    """Serves HTTP/1.1 to one callable, on the running loop.

    A component: ``async with`` opens it and listens on *bind*; leaving the block
    stops accepting, gives what is in flight ``timeouts.close`` seconds and cuts the rest.
    A service that drains in phases calls, in this order, `wind_down`,
    `stop_accepting`, `wait_idle`, `abort`.

    Args:
        handle: Answers each request, in a task of its own.
        bind: Pairs of host and port, paths, or listening sockets, which the
            server then owns.
        tls: What is shown to clients; without it everybody can read along.
        limits: What a client may cost.
        timeouts: How long a client may take.
        on_error: Told what a handler raised; without it, the loop's exception
            handler is.
        emit: Told of refused connections and requests, listening and stopping.
        render_error: Makes the replies for the engine's own errors.
        load: Asked before a request is handed over; what it does not admit is
            answered at once, nothing of it read.
        render_shed: Makes the replies for those.
        clock: Monotonic seconds; with one given, timers only turn when the
            test that owns it calls ``server.wheel.turn()``.
    """

    def __init__(  # noqa: PLR0913  each is a seam to a floor above, and has a default
        self,
        handle: Handle,
        *,
        bind: Iterable[Place] = (),
        tls: Tls | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        on_error: OnError | None = None,
        emit: Emit = _silent,
        render_error: RenderError = problem,
        load: Load | None = None,
        render_shed: RenderShed = _overloaded,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.handle = handle
        self.limits = limits or Limits()
        self.timeouts = timeouts or Timeouts()
        self.render_error = render_error
        self.load = load or AnyLoad()
        self.render_shed = render_shed
        self.counters = Counters()
        self.lines = FieldLines()
        self.keeps = True
        self.stopped = False
        self._bind = tuple(bind)
        self._tls = tls
        self._paths: dict[Path, tuple[int, int] | None] = {}
        self._on_error = on_error
        self.emit = emit
        self._given_clock = clock
        self._sockets: list[socket.socket] = []
        self._own: set[socket.socket] = set()
        self._accepting: list[asyncio.AbstractServer | SecureListener] = []
        self._connections: set[Guest] = set()
        self._orphans: set[Guest] = set()
        self._peers: dict[str, int] = {}
        self._idle: list[asyncio.Future[None]] = []
        self._date = b""
        self._date_until = -math.inf
        self._loop: asyncio.AbstractEventLoop
        self.clock: Callable[[], float]
        self.stopwatch = clock or time.monotonic
        self.wheel: Wheel

    # -- a component

    async def __aenter__(self) -> Self:
        """Listen on what was given as *bind*."""
        self._loop = loop = asyncio.get_running_loop()
        self.clock = self._given_clock or loop.time
        call_at = loop.call_at if self._given_clock is None else None
        self.wheel = Wheel(self.clock, call_at, lambda error: self.failed(error, None))
        try:
            for place in self._bind:
                if isinstance(place, socket.socket):
                    await self.adopt(place)
                elif isinstance(place, UnixSocket):
                    await self.listen_at(place)
                else:
                    await self.listen(*place)
        except BaseException:
            await self.stop_accepting()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop accepting, let what is in flight end, cut the rest."""
        self.wind_down()
        await self.stop_accepting()
        if not await self.wait_idle(self.timeouts.close):
            self.abort()
            await self._cancel_rest()
        self.wheel.stop()

    # -- listening

    @property
    def addresses(self) -> list[Address]:
        """Where the server listens now."""
        return [address_of_socket(sock) for sock in self._sockets]

    async def listen(self, host: str, port: int, *, backlog: int = 4096) -> Address:
        """Listen on *host* and *port* (0 takes a free one) and return the first address bound.

        Raises:
            AddressInUse: Another process listens there.
            OSError: The address is not this machine's, or not allowed.
        """
        sockets = await bind(host, port, backlog=backlog)
        for sock in sockets:
            self._own.add(sock)
            await self.adopt(sock)
        return address_of_socket(sockets[0])

    async def listen_at(self, place: UnixSocket) -> Address:
        """Listen on a path, which is removed when the server stops.

        Raises:
            AddressInUse: Another process listens there.
            OSError: The path cannot be bound.
        """
        sock = place.listen()
        path = place.absolute
        self._paths[path] = identity(path)
        return await self.adopt(sock)

    async def adopt(self, sock: socket.socket) -> Address:
        """Accept connections from *sock*, which listens already and is the server's from now on."""
        sock.setblocking(False)
        self._sockets.append(sock)
        # The loop closes what it is given, at once and with the backlog; so it is given a second descriptor.
        self._accepting.append(await self._accept_from(sock.dup()))
        address = address_of_socket(sock)
        self.emit(ServerListening(address=str(address)))
        return address

    async def _accept_from(self, sock: socket.socket) -> asyncio.AbstractServer | SecureListener:
        if self._tls is not None:
            sock.setblocking(False)
            return SecureListener(self, self._loop, self._tls, sock)
        if sock.family == socket.AF_UNIX:
            return await self._loop.create_unix_server(self.connection, sock=sock, backlog=4096)
        return await self._loop.create_server(self.connection, sock=sock, backlog=4096)

    def connection(self) -> Connection:
        """Return what will speak with one client."""
        return Http1(self, self._loop)

    # -- the end

    def wind_down(self) -> None:
        """Go on accepting and serving, but close each connection after its next reply, which says so."""
        self.keeps = False

    async def stop_accepting(self, *, settle: float = 0.0, others: bool | None = None) -> None:
        """Take in what the kernel has already accepted, then accept no more; close idle connections.

        A connection that has not asked anything yet is given a second for its
        first request, which may be on its way.

        Args:
            settle: Seconds for handshakes that have begun: to the client they
                are connections already. Nobody new gets in meanwhile.
            others: Whether other processes go on accepting from the same
                sockets, which are then left as they are. Left out, sockets
                that were given are left to whoever else may have them, and
                those made here are nobody else's.
        """
        self.keeps = False
        ending = [] if others else [sock for sock in self._sockets if others is False or sock in self._own]
        if ending:
            held = [hold_back(sock) for sock in ending]
            if any(held):
                await asyncio.sleep(settle)
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
        self.stopped = True
        if not self._sockets:
            return
        for accepting in self._accepting:
            accepting.close()
        self._accepting.clear()
        for path, mine in self._paths.items():
            if mine is not None and identity(path) == mine:  # else it is a successor's already
                path.unlink(missing_ok=True)
        self._paths.clear()
        clients: list[socket.socket] = []
        for sock in self._sockets:
            clients += () if others else empty_backlog(sock)
            sock.close()  # with no step of the loop in between, in which others could connect
        self._sockets.clear()
        self._own.clear()
        for client in clients:
            await self._take(client)
        for connection in tuple(self._connections):
            connection.wind_up()
        self.emit(ServerStopped(connections=len(self._connections)))

    async def _take(self, client: socket.socket) -> None:
        if self._tls is not None:
            Handshake(self, self.connection(), self._tls, client).begin()
            return
        try:
            await self._loop.connect_accepted_socket(self.connection, client)
        except OSError:  # it left meanwhile
            client.close()

    async def wait_idle(self, timeout: float) -> bool:
        """Wait until every connection is closed and every handler has ended; return whether that came in time."""
        deadline = self._loop.time() + timeout
        while self._connections or self._orphans:
            waiter = self._loop.create_future()
            self._idle.append(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    await waiter
            except TimeoutError:
                return False
        return True

    def abort(self) -> None:
        """Cut every connection at once. Handlers learn it as if their clients had left."""
        for connection in tuple(self._connections):
            connection.abort()

    async def _cancel_rest(self) -> None:
        await asyncio.sleep(0)
        tasks = [c.task for c in (*self._connections, *self._orphans) if c.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:  # one that swallows its cancellation is left behind
            await asyncio.wait(tasks, timeout=self.timeouts.close)

    # -- what is going on

    def statistics(self) -> Statistics:
        """Return the counters as they are now."""
        return self.counters.freeze(len(self._connections))

    # -- the connections' side

    def admit(self, connection: Guest) -> str | None:
        """Count *connection*; return why it is one too many, or None."""
        self.counters.accepted += 1
        self._connections.add(connection)
        peer = connection.peer.rpartition(":")[0]
        self._peers[peer] = here = self._peers.get(peer, 0) + 1
        if len(self._connections) > self.limits.connections:
            reason = "too many connections"
        elif peer and here > self.limits.connections_per_peer:
            reason = "too many connections from this address"
        else:
            return None
        self.counters.refused += 1
        self.emit(ConnectionRefused(peer=connection.peer, reason=reason))
        return reason

    def dismiss(self, connection: Guest) -> None:
        """Forget *connection*, which is closed; keep it while its handler runs, or nothing would."""
        self._connections.discard(connection)
        peer = connection.peer.rpartition(":")[0]
        left = self._peers.get(peer, 1) - 1
        if left:
            self._peers[peer] = left
        else:
            self._peers.pop(peer, None)
        if connection.task is not None:
            self._orphans.add(connection)
        self._check_idle()

    def finished(self, connection: Guest) -> None:
        """Forget *connection*, which was closed before its handler ended."""
        self._orphans.discard(connection)
        self._check_idle()

    def failed(self, error: BaseException, request: Request | None) -> None:
        """Pass *error* on."""
        if self._on_error is not None:
            self._on_error(error, request)
        else:
            self._loop.call_exception_handler({"message": "a handler raised", "exception": error})

    def refused(self, peer: str, status: int, detail: str) -> None:
        """Tell that a request was refused."""
        self.emit(RequestRefused(peer=peer, status=status, detail=detail))

    def unsecured(self, peer: str, detail: str) -> None:
        """Tell that a client did not agree on TLS."""
        self.counters.unsecured += 1
        self.emit(HandshakeFailed(peer=peer, detail=detail))

    def date(self) -> bytes:
        """Return the ``date`` header line of this second."""
        now = self.clock()
        if now >= self._date_until:
            self._date_until = now + 1.0
            self._date = b"date: " + http_date(time.time()) + b"\r\n"
        return self._date

    def _check_idle(self) -> None:
        if self._idle and not self._connections and not self._orphans:
            waiters, self._idle = self._idle, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
