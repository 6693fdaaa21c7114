"""Lines of which only the end varies: what is the same on all of them is rendered once.

An access line is written at every call. Rendered like any other line it costs
as much as the rest of a small call, so its constant part is kept as JSON.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time

import msgspec

from hardy.telemetry._facts import LONGEST_TEXT

Put = Callable[[bytes], None]
"""Takes one rendered line."""

_encode = msgspec.json.Encoder().encode
_LONGEST_NAME = 64
_MOST_PEERS = 512


class _Line(msgspec.Struct):
    """One access line; the rest of what it says stands in *constant*, behind ``level``."""

    time: datetime
    level: msgspec.Raw
    ms: float
    call: str
    principal: str | None
    peer: str


class PreparedLine:
    r"""Writes lines with the same beginning.

    Args:
        constant: The encoded facts that all of them have, ``level`` first.
        put: Takes what was rendered.

    Example:
        >>> lines = []
        >>> write = PreparedLine({"level": "info", "event": "call"}, lines.append)
        >>> write(1.5, "c1", None, "127.0.0.1:5")
        True
        >>> lines[0].partition(b',"level"')[2]
        b':"info","event":"call","ms":1.5,"call":"c1","principal":null,"peer":"127.0.0.1:5"}\n'
    """

    __slots__ = ("_begin", "_constant", "_peers", "_put", "_second", "_then")

    def __init__(self, constant: dict[str, object], put: Put) -> None:
        rendered = _encode(constant).removeprefix(b'{"level":').removesuffix(b"}")
        self._constant = msgspec.Raw(rendered)
        self._put = put
        self._second = -1
        self._begin = ""
        """Up to the fraction of this second."""
        self._then = f'Z","level":{rendered.decode()},"ms":'
        self._peers: dict[str, str] = {}
        """The end of a line without a principal, for those who called lately and are nothing to look at."""

    def __call__(self, ms: float, call: str, principal: str | None, peer: str) -> bool:
        """Write a line; return False, with nothing written, when there is something on it to look at first."""
        if principal is None and call.isalnum() and (end := self._peers.get(peer)) is not None:
            now = time()
            second = int(now)
            if second != self._second:
                self._second, self._begin = second, _beginning(second)
            line = f'{self._begin}{int((now - second) * 1_000_000):06}{self._then}{ms},"call":"{call}{end}'
            if len(call) <= _LONGEST_NAME and line.isascii():
                self._put(line.encode())
                return True
        return self._look(ms, call, principal, peer)

    def _look(self, ms: float, call: str, principal: str | None, peer: str) -> bool:
        """Write a line as `__call__` does, looking at all that is on it; remember a peer that is fit to be written."""
        try:
            line = _encode(_Line(datetime.now(UTC), self._constant, ms, call, principal, peer))
        except UnicodeError:
            return False
        # What redaction and the readers of logs stumble over; see `clean` and `render_json`.
        if b"eyJ" in line or b"://" in line or b"earer " in line:
            return False
        if len(line) > LONGEST_TEXT or not line.isascii():
            return False
        self._put(line + b"\n")
        self._remember(peer)
        return True

    def _remember(self, peer: str) -> None:
        if len(self._peers) >= _MOST_PEERS:
            self._peers.clear()
        if len(peer) <= _LONGEST_NAME:
            self._peers[peer] = f'","principal":null,"peer":{_encode(peer).decode()}}}\n'


def _beginning(second: int) -> str:
    """Return the beginning of the lines of a *second*, up to its fraction."""
    return f'{{"time":"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.'
