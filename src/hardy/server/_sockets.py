"""What the kernel knows of a connection."""

import asyncio
import fcntl
import socket
import termios
from array import array
from typing import cast


def address_of(name: object) -> str:
    """Return a socket's name as ``host:port``, ``[host]:port``, its path, or ``unix``."""
    if isinstance(name, tuple):
        host, port = cast("tuple[str, int]", name)[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(name, bytes):
        name = name.decode(errors="replace")
    return name if isinstance(name, str) and name else "unix"


def unread_bytes(transport: asyncio.BaseTransport) -> int:
    """Return how many bytes of the client wait in the kernel; 0 if it cannot be known."""
    sock: object = transport.get_extra_info("socket")
    if sock is None or not hasattr(sock, "fileno"):
        return 0
    count = array("i", [0])
    try:
        fcntl.ioctl(cast("socket.socket", sock).fileno(), termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]
