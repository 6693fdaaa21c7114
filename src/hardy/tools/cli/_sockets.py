"""The listening sockets of `hardy dev`: they outlive the processes that accept from them."""

import contextlib
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Wanted = tuple[str, str, int]
"""Door, host and port, as the settings say."""


@dataclass(slots=True)
class Sockets:
    """Listens for processes that come and go.

    HTTP sockets listen here and are handed on, so that a client waits in the
    backlog rather than being refused. grpcio takes no socket: its port is kept
    by one that is bound and never listens, beside which old and new process
    listen while one takes over from the other.
    """

    _open: dict[Wanted, list[socket.socket]] = field(default_factory=dict[Wanted, list[socket.socket]])

    def of(self, wanted: Collection[Wanted]) -> Mapping[Wanted, list[socket.socket]]:
        """Return the sockets for *wanted*, opened where they are not yet.

        Raises:
            OSError: One cannot be opened; then none is.
        """
        opened: list[Wanted] = []
        try:
            for each in wanted:
                if each not in self._open:
                    self._open[each] = _keep(each) if each[0] == "grpc" else _listen(each)
                    opened.append(each)
        except OSError:
            for each in opened:
                self._close(each)
            raise
        return {each: self._open[each] for each in wanted}

    def keep_only(self, wanted: Collection[Wanted]) -> None:
        """Close what is not in *wanted*: the settings have changed."""
        for each in [each for each in self._open if each not in wanted]:
            self._close(each)

    def _close(self, wanted: Wanted) -> None:
        for sock in self._open.pop(wanted):
            sock.close()


def _listen(wanted: Wanted) -> list[socket.socket]:
    _, host, port = wanted
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        for family, name in dict.fromkeys((each[0], each[4]) for each in found):
            sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken = port or (sockets[0].getsockname()[1] if sockets else 0)
            sock.bind((name[0], taken, *name[2:]))
            sock.listen(4096)
            sockets.append(sock)
        stack.pop_all()
    return sockets


def _keep(wanted: Wanted) -> list[socket.socket]:
    """Return a socket that keeps a port without listening; refused when somebody else has it."""
    _, host, port = wanted
    family, _, _, _, name = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(name)
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(name)
        stack.pop_all()
    return [sock]
