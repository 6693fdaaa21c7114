"""The addresses of a service with several workers: the parent owns them, so that they outlive each worker."""

import errno
import socket
from pathlib import Path

from hardy.app._address import not_permitted, port_in_use
from hardy.app._link import Checked, Listen
from hardy.core import BuildFailed, Diagnostic
from hardy.server import Address, AddressInUse, UnixSocket, address_of_socket, bind

Place = tuple[str, int]
"""Host and port, or path and permissions."""
_FLAGS = {"http": "--port", "grpc": "--grpc-port", "admin": "--admin-port"}


class Addresses:
    """The sockets that a service listens on.

    Those of HTTP and of the admin port listen here and are handed on. gRPC
    takes no sockets that listen already, so its address is only reserved: each
    worker listens there by itself (``SO_REUSEPORT``), and the kernel spreads
    connections over them.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, Place], list[socket.socket]] = {}
        self._current: dict[str, Place] = {}
        self._paths: set[Path] = set()

    async def obtain(self, checked: Checked) -> None:
        """Listen where *checked* wants to, beside where it is listened already.

        Raises:
            BuildFailed: An address is taken, or not permitted; what was there before stays.
        """
        wanted = dict(checked.listen)
        if checked.path is not None:
            wanted["http"] = checked.path
        obtained: dict[tuple[str, Place], list[socket.socket]] = {}
        try:
            for door, place in wanted.items():
                if (door, place) not in self._open:
                    obtained[door, place] = await _listen(door, place)
        except OSError as error:
            for sockets in obtained.values():
                _close(sockets)
            raise BuildFailed([_diagnose(error, checked)]) from None
        self._open.update(obtained)
        self._paths |= {Path(host) for host, _ in wanted.values() if host.startswith("/")}
        self._current = wanted

    def sockets(self, door: str) -> list[socket.socket]:
        """Return the sockets of *door* as it is now; none where it is not used."""
        place = self._current.get(door)
        return [] if place is None else self._open[door, place]

    def address(self, door: str) -> Address | None:
        """Return where *door* is."""
        sockets = self.sockets(door)
        return address_of_socket(sockets[0]) if sockets else None

    def told(self) -> Listen:
        """Return what a worker is told; the sockets of HTTP go with it."""
        grpc = self.address("grpc")
        place = None if grpc is None else (self._current["grpc"][0], grpc.port)
        return Listen(http=len(self.sockets("http")), grpc=place)

    def forget_former(self) -> None:
        """Give up the addresses that the newest configuration does not want any more."""
        for key in [key for key in self._open if self._current.get(key[0]) != key[1]]:
            _close(self._open.pop(key))

    def remove_paths(self) -> None:
        """Remove the path that was listened on."""
        for path in self._paths:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up all but the admin port: the workers close theirs when the last call is in."""
        for key in [key for key in self._open if key[0] != "admin"]:
            _close(self._open.pop(key))
        self._current = {door: place for door, place in self._current.items() if door == "admin"}


def refuse_alone(checked: Checked, count: int) -> None:
    """Refuse in production what only one process can see, where several have to share it.

    Raises:
        BuildFailed: There is such a component.
    """
    if checked.environment != "production" or count == 1 or not checked.alone:
        return
    raise BuildFailed(
        [
            Diagnostic(
                code="H0662",
                title=f"{count} workers have to share `{name}`, which is one process's own",
                notes=("each worker would have one of its own, and they would disagree",),
                helps=("use one that processes share, such as a file or a database server", "leave out --workers"),
            )
            for name in checked.alone
        ]
    )


async def _listen(door: str, place: Place) -> list[socket.socket]:
    host, port = place
    if door == "grpc":
        return await _reserve(host, port)
    if host.startswith("/"):
        return [UnixSocket(host, port).listen()]
    return await bind(host, port)


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


async def _reserve(host: str, port: int) -> list[socket.socket]:
    """Bind an address that the workers share, without listening: no connection comes here."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, name = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # Without sharing: that another service shares the port by accident would take half of its calls.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(probe, name, host, port)
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _bind(sock, name, host, port)
    return [sock]


def _bind(sock: socket.socket, name: object, host: str, port: int) -> None:
    try:
        sock.bind(name)  # type: ignore[arg-type]  # the shape is getaddrinfo's
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(host, port) from None
        raise


def _diagnose(error: OSError, checked: Checked) -> Diagnostic:
    if not isinstance(error, AddressInUse):
        return not_permitted(error)
    door = next((door for door, (_, port) in checked.listen.items() if port == error.port), "http")
    return port_in_use(error.port, flag=_FLAGS[door], variable=f"{checked.prefix}_{door.upper()}__PORT")
