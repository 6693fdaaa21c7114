"""The line between a parent and one of its workers: small JSON lines, and sockets beside them.

Both ends of a socket pair speak it. It needs no name in a file system, nobody
else can speak on it, and its end is the news that the other process is gone.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

import msgspec

_PIECE = 64 * 1024
_MOST = 64
"""Descriptors taken with one piece: a host has few addresses."""


class Checked(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The worker has loaded its settings and built the service; nothing is opened yet."""

    name: str
    """The service's."""
    prefix: str
    environment: str
    operations: int
    listen: dict[str, tuple[str, int]]
    """Door to the address that the settings want."""
    path: tuple[str, int] | None = None
    """Path and permissions, when HTTP is to be listened for there instead."""
    admin_tls: tuple[str, str, str | None] | None = None
    """Files for the admin port, which the parent serves: certificate, key, authorities of clients."""
    alone: tuple[str, ...] = ()
    """Components that each worker would have one of its own of, where all of them have to agree."""
    level: Literal["debug", "info", "warning", "error"]
    format: Literal["auto", "json", "console"]
    patience: float
    """Seconds that a shutdown may take, from the first signal to the exit."""


class Ready(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Whether the worker wants calls: told when it has opened, and at every change."""

    ready: bool
    failing: dict[str, str] = {}
    """What keeps it from it, and why."""


class Failed(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The worker cannot serve: its configuration or code is wrong, or what it needs is not there."""

    code: int
    """The exit code that this has."""
    text: str
    """Every fault, as it would be printed."""


class Answer(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """What the parent asked for."""

    number: int
    content: msgspec.Raw


class Drained(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """No call is left; the worker closes its components and ends."""

    finished: int
    streams: int
    stuck: tuple[str, ...]


class Listen(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Open the service and serve; the sockets of HTTP come along."""

    http: int = 0
    """How many sockets."""
    grpc: tuple[str, int] | None = None
    """An address that is shared with the other workers."""


class Drain(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Finish what is in flight, then end."""

    relieved: bool = False
    """Whether another worker has taken over: only this process ends, not the service."""


class Force(msgspec.Struct, tag=True, frozen=True):
    """Cancel what is still in flight."""


class Ask(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Tell something."""

    number: int
    what: Literal["info", "statistics"]


ToParent: TypeAlias = Checked | Ready | Failed | Answer | Drained
ToWorker: TypeAlias = Listen | Drain | Force | Ask
Said: TypeAlias = ToParent | ToWorker

_decode = msgspec.json.Decoder(Said).decode
_encode = msgspec.json.encode


class Link:
    """One end of the line.

    Args:
        sock: A stream socket of a pair, owned by the link from now on.
        heard: Called with each message, and the descriptors that came with it.
        ended: Called once, when the other process is gone.
    """

    def __init__(
        self, sock: socket.socket, heard: Callable[[Said, Sequence[int]], None], ended: Callable[[], None]
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._heard = heard
        self._ended = ended
        self._data = b""
        self._descriptors: list[int] = []
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._read)
        self.closed = False

    async def say(self, message: Said, descriptors: Sequence[int] = ()) -> bool:
        """Send *message* and return whether it was sent: false once the other process is gone."""
        data = _encode(message) + b"\n"
        async with self._lock:
            if self.closed:
                return False
            try:
                if descriptors:
                    data = data[socket.send_fds(self._sock, [data], list(descriptors)) :]
                await self._loop.sock_sendall(self._sock, data)
            except OSError:
                return False
            return True

    def close(self) -> None:
        """Hang up."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            for each in self._descriptors:
                os.close(each)

    def hear_the_rest(self) -> None:
        """Take in what was said before the other process ended."""
        while not self.closed and self._read():
            pass

    def _read(self) -> bool:
        """Take in what is there; return whether there was anything."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _PIECE, _MOST)
        except BlockingIOError:
            return False
        except OSError:
            data, descriptors = b"", []
        if not data:
            self.close()
            self._ended()
            return False
        self._descriptors += descriptors
        *lines, self._data = (self._data + data).split(b"\n")
        for line in lines:
            message = _decode(line)
            count = message.http if isinstance(message, Listen) else 0
            sent, self._descriptors = self._descriptors[:count], self._descriptors[count:]
            self._heard(message, sent)
        return True


def say_once(sock: socket.socket, message: Said) -> None:
    """Send *message* where no loop runs."""
    with suppress(OSError):
        sock.setblocking(True)
        sock.sendall(_encode(message) + b"\n")
