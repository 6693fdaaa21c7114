"""Listening on a path instead of a port."""

import errno
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from hardy.server._errors import AddressInUse


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A path to listen on: for a proxy or a sidecar on the same machine.

    Example:
        >>> str(UnixSocket("/run/orders.sock"))
        '/run/orders.sock'
    """

    path: str | PathLike[str]
    """At most about 100 bytes, says the kernel. A socket that a dead process left there is removed."""
    mode: int = 0o660
    """Who may connect: whoever may write to it."""

    def __str__(self) -> str:
        return str(self.path)

    @property
    def absolute(self) -> Path:
        """The path as it is found from everywhere."""
        return Path(self.path).absolute()

    def listen(self, *, backlog: int = 4096) -> socket.socket:
        """Return a socket that listens there.

        Raises:
            AddressInUse: Another process listens there.
            OSError: The path cannot be bound, or something that is no socket is there.
        """
        path = Path(self.path)
        remove_stale(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.bind(str(path))
            path.chmod(self.mode)  # before it listens: until then nobody can connect
            sock.listen(backlog)
        except OSError:
            sock.close()
            raise
        return sock


def remove_stale(path: Path) -> None:
    """Remove the socket at *path* when nobody listens there any more.

    Raises:
        AddressInUse: Somebody does.
        FileExistsError: It is no socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file that is no socket", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            pass
        except BlockingIOError:  # its backlog is full: somebody does
            raise AddressInUse(str(path), 0) from None
        else:
            raise AddressInUse(str(path), 0)
    with suppress(FileNotFoundError):
        path.unlink()


def identity(path: Path) -> tuple[int, int] | None:
    """Return which file is at *path*; ``None`` for none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
