"""Lines of which only the end varies: what is the same on all of them is rendered once.

An access line is written at every call. Rendered like any other line, and while
the call is carried out, it costs as much as the rest of a small call. So its
constant part is kept as JSON, and the rest is put together when the line is
written, one after another with all that ended in the same turn of the loop.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from hardy.telemetry._facts import LONGEST_TEXT, clean
from hardy.telemetry._render import Renderer, render_json
from hardy.telemetry._write import Line

Ended = Callable[[float, float, str, str | None, str], None]
"""Told of a call that has ended: when, in seconds since 1970, milliseconds, id, principal, peer."""

_encode = msgspec.json.Encoder().encode
_moment = datetime.fromtimestamp
_LONGEST_KNOWN = 64
_MOST_PEERS = 512


class _Json(msgspec.Struct, gc=False):
    """One access line; the rest of what it says stands in *constant*, behind ``level``."""

    time: datetime
    level: msgspec.Raw
    ms: float
    call: str
    principal: str | None
    peer: str


class _Late(msgspec.Struct):
    """What is known of a call when it ends: a line that is still to be rendered."""

    lines: "PreparedLines"
    at: float
    ms: float
    call: str
    principal: str | None
    peer: str

    def render(self) -> msgspec.Raw | msgspec.Struct:
        """Return the line."""
        lines = self.lines
        # Nothing that a caller could have chosen is on most lines, but for digits and letters.
        plain = self.principal is None and self.peer in lines.peers and self.call.isascii()
        if plain and len(self.call) <= _LONGEST_KNOWN and self.call.encode().isalnum():
            return _Json(_moment(self.at, UTC), lines.constant, self.ms, self.call, None, self.peer)
        return lines.look(self)


class PreparedLines:
    r"""Writes lines with the same beginning.

    Args:
        constant: The facts that all of them have, ``level`` and ``event`` first.
        render: Renders what has to be looked at.
        put: Takes each line.

    Attributes:
        constant: The facts as JSON, without the first name.
        peers: Those who called lately and are nothing to look at.

    Example:
        >>> lines = []
        >>> write = PreparedLines({"level": "info", "event": "call"}, render_json, lines.append)
        >>> write(1700000000.0, 1.5, "c1", None, "127.0.0.1:5")
        >>> bytes(lines[0].render())
        b'{"time":"2023-11-14T22:13:20Z","level":"info","event":"call","ms":1.5,"call":"c1",...}'
    """

    __slots__ = ("_facts", "_json", "_put", "_render", "constant", "peers")

    def __init__(self, constant: dict[str, object], render: Renderer, put: Callable[[Line], None]) -> None:
        self.constant = msgspec.Raw(_encode(constant).removeprefix(b'{"level":').removesuffix(b"}"))
        self.peers: set[str] = set()
        self._facts = constant
        self._json = render is render_json
        self._render = render
        self._put = put

    def __call__(self, at: float, ms: float, call: str, principal: str | None, peer: str) -> None:
        """Write a line; see `Ended`."""
        self._put(_Late(self, at, ms, call, principal, peer))

    def look(self, ended: _Late) -> msgspec.Raw:
        """Render a line with a look at all that is on it; remember a peer that is fit to be written."""
        time, call, principal, peer = _moment(ended.at, UTC), ended.call, ended.principal, ended.peer
        if self._json and (line := self._harmless(_Json(time, self.constant, ended.ms, call, principal, peer))):
            if len(self.peers) >= _MOST_PEERS:
                self.peers.clear()
            if len(peer) <= _LONGEST_KNOWN:
                self.peers.add(peer)
            return msgspec.Raw(line)
        rest = clean({"ms": ended.ms, "call": call, "principal": principal, "peer": peer})
        return msgspec.Raw(self._render({"time": time, **self._facts, **rest}, None))

    @staticmethod
    def _harmless(line: _Json) -> bytes | None:
        """Return *line* as JSON unless redaction or the readers of logs could stumble over it; see `clean`."""
        try:
            text = _encode(line)
        except UnicodeError:
            return None
        suspect = b"eyJ" in text or b"://" in text or b"earer " in text
        return None if suspect or len(text) > LONGEST_TEXT or not text.isascii() else text
