"""Listening sockets: made, adopted, and emptied before they close."""

import asyncio
import errno
import socket
from typing import NamedTuple, cast

from hardy.server._errors import AddressInUse
from hardy.server._sockets import address_of


class Address(NamedTuple):
    """Where a server listens.

    Example:
        >>> str(Address("127.0.0.1", 8080)), str(Address("::1", 8080))
        ('127.0.0.1:8080', '[::1]:8080')
    """

    host: str
    port: int

    def __str__(self) -> str:
        return address_of((self.host, self.port))


def address_of_socket(sock: socket.socket) -> Address:
    """Return where *sock* is bound; a path has port 0."""
    name: object = sock.getsockname()
    if isinstance(name, tuple):
        host, port = cast("tuple[str, int]", name)[:2]
        return Address(host, port)
    return Address(address_of(name), 0)


async def bind(host: str, port: int, *, backlog: int = 4096) -> list[socket.socket]:
    """Return listening sockets for every address of *host*; port 0 takes a free one, the same on all.

    Raises:
        AddressInUse: Another process listens there.
        OSError: The address is not this machine's, or not allowed.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, name in dict.fromkeys(found):
            taken = name if not sockets or port else (name[0], sockets[0].getsockname()[1], *name[2:])
            sockets.append(_listen(family, taken, backlog))
    except OSError as error:
        for sock in sockets:
            sock.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(host, port) from None
        raise
    return sockets


def _listen(family: int, name: object, backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A restarted server may bind while connections of the one before linger in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(name)  # type: ignore[arg-type]  # the shape is getaddrinfo's
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def empty_backlog(sock: socket.socket) -> list[socket.socket]:
    """Accept what the kernel has already accepted for *sock*: closing it would reset those clients."""
    accepted: list[socket.socket] = []
    while True:
        try:
            client, _ = sock.accept()
        except ConnectionAbortedError:
            continue
        except OSError:  # nothing is left, or no file descriptor is
            return accepted
        client.setblocking(False)
        accepted.append(client)
