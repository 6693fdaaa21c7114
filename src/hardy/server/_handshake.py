"""Connections until TLS is agreed on them."""

import asyncio
import errno
import socket

from hardy.server._connection import Connection, Host
from hardy.server._sockets import address_of
from hardy.server._tls import Tls

_AT_ONCE = 100
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_BREATH = 1.0
"""Seconds without accepting when the system has no more descriptors."""


class Handshake:
    """Agrees on TLS with one client.

    It counts as a connection from its first moment, so that clients that
    never come to an end with it are bounded too.

    Attributes:
        peer: Who is connected.
        task: What waits for the end of the handshake.
    """

    __slots__ = ("_connection", "_counted", "_host", "_sock", "_tls", "peer", "task")

    def __init__(self, host: Host, connection: Connection, tls: Tls, sock: socket.socket) -> None:
        self._host = host
        self._connection = connection
        self._tls = tls
        self._sock = sock
        self.peer = _peer_of(sock)
        self.task: asyncio.Task[None] | None = None
        self._counted = True
        connection.before = self

    def begin(self) -> None:
        """Begin, unless this is one connection too many."""
        if self._host.admit(self) is not None:
            self._sock.close()  # to say why would cost a handshake
            self.release()
            return
        self.task = self._connection.loop.create_task(self._agree())

    async def _agree(self) -> None:
        host, connection = self._host, self._connection
        timeouts = host.timeouts
        try:
            await connection.loop.connect_accepted_socket(
                lambda: connection,
                self._sock,
                ssl=self._tls.context(host.emit),
                ssl_handshake_timeout=max(timeouts.header, 0.001),
                ssl_shutdown_timeout=max(timeouts.linger, 0.001),
            )
            if host.stopped and not connection.gone:
                connection.wind_up()
        except OSError as error:  # an SSLError and a timeout are OSErrors too
            host.unsecured(self.peer, str(error) or type(error).__name__)
        finally:
            self.task = None
            self.release()
            host.finished(self)

    def release(self) -> None:
        """Count no more: it has failed, or the connection counts from here on."""
        if self._counted:
            self._counted = False
            self._host.dismiss(self)

    def wind_up(self) -> bool:
        """Go on: the client has been accepted, and is about to ask."""
        return False

    def abort(self) -> None:
        """End it."""
        if self.task is not None:
            self.task.cancel()


class SecureListener:
    """Accepts connections that begin with a handshake.

    asyncio's own server would count no connection before the end of its
    handshake, and show all of them one certificate.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, tls: Tls, sock: socket.socket) -> None:
        self._host = host
        self._loop = loop
        self._tls = tls
        self._sock = sock
        self._pause: asyncio.TimerHandle | None = None
        loop.add_reader(sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._host.failed(error, None)
                self._loop.remove_reader(self._sock)
                self._pause = self._loop.call_later(_BREATH, self._loop.add_reader, self._sock, self._accept)
                return
            client.setblocking(False)
            Handshake(self._host, self._host.connection(), self._tls, client).begin()

    def close(self) -> None:
        """Accept no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()


def _peer_of(sock: socket.socket) -> str:
    try:
        return address_of(sock.getpeername())
    except OSError:  # it left meanwhile
        return "unknown"
