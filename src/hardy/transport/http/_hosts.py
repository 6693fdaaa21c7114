"""Which host names a service answers for."""

import re
from collections.abc import Sequence

from hardy.server import Request

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]").fullmatch


class Hosts:
    """The names a service answers for; a link made from any other would lead astray.

    Args:
        names: ``api.example.com``, or ``*.example.com`` for every name below
            it. Without a port: a name is good on any.

    Raises:
        ValueError: A name is none.

    Example:
        >>> hosts = Hosts(["example.com", "*.example.com"])
        >>> hosts.knows(b"API.example.com:8080"), hosts.knows(b"example.com.evil.net")
        (True, False)
    """

    def __init__(self, names: Sequence[str]) -> None:
        for each in names:
            if not _NAME(each.lower()):
                raise ValueError(f"{each!r} is no host name; write `api.example.com` or `*.example.com`")
        self._exact = frozenset(each.lower() for each in names if not each.startswith("*"))
        self._below = tuple(each[1:].lower() for each in names if each.startswith("*"))
        self._last: bytes | None = None

    def allows(self, request: Request) -> bool:
        """Whether *request* names a host that the service answers for."""
        host = request.fields.get(b"host")
        if host is None:
            return False
        if host == self._last:
            return True
        if known := self.knows(host):
            self._last = host
        return known

    def knows(self, host: bytes) -> bool:
        """Whether a ``Host`` header names one of them."""
        name = host.decode("latin-1").lower()
        name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        name = name.removesuffix(".")
        return name in self._exact or (name.endswith(self._below) and name[0] != ".")
