"""Lines of which only the end varies: what is the same on all of them is rendered once.

An access line is written at every call. Rendered like any other line, and while
the call is carried out, it costs as much as the rest of a small call. So its
constant part is kept as JSON, and the rest is put together when the line is
written, one after another with all that ended in the same turn of the loop.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from hardy.telemetry._facts import clean
from hardy.telemetry._render import Renderer, render_json
from hardy.telemetry._write import Line

Ended = Callable[[float, float, str, str | None, str], None]
"""Told of a call that has ended: when, in seconds since 1970, milliseconds, id, principal, peer."""

_moment = datetime.fromtimestamp
_LONGEST_PLAIN = 1024
_VARIES = frozenset({"ms", "call", "principal", "peer"})


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
        lines, time, principal = self.lines, _moment(self.at, UTC), self.principal
        # An application may have put anything there, and what JSON cannot say would take all other lines with it.
        if not (lines.plain and (principal is None or type(principal) is str)):
            return lines.whole(time, self)
        # Of what callers choose only this is on the line. With one of these letters in it there could be
        # something for redaction, and it is rendered like any other; see `clean` and `render_json`.
        chosen = self.call + self.peer + (principal or "")
        harmless = "J" not in chosen and "/" not in chosen and " " not in chosen
        if harmless and chosen.isascii() and "\x7f" not in chosen and len(chosen) < _LONGEST_PLAIN:
            return _Json(time, lines.constant, self.ms, self.call, principal, self.peer)
        return lines.whole(time, self)


class PreparedLines:
    r"""Writes lines with the same beginning.

    Args:
        constant: The facts that all of them have, ``level`` and ``event`` first.
        render: Renders what has to be looked at.
        put: Takes each line.

    Attributes:
        constant: The facts as JSON, without the first name.
        plain: Whether lines are JSON, and nothing in that part has to be looked at again or is said anew at the end.

    Example:
        >>> lines = []
        >>> write = PreparedLines({"level": "info", "event": "call"}, render_json, lines.append)
        >>> write(1700000000.0, 1.5, "c1", None, "127.0.0.1:5")
        >>> msgspec.json.encode(lines[0].render())
        b'{"time":"2023-11-14T22:13:20Z","level":"info","event":"call","ms":1.5,"call":"c1",...}'
    """

    __slots__ = ("_facts", "_put", "_render", "constant", "plain")

    def __init__(self, constant: dict[str, object], render: Renderer, put: Callable[[Line], None]) -> None:
        rendered = render_json(constant.copy(), None)
        self.constant = msgspec.Raw(rendered.removeprefix(b'{"level":').removesuffix(b"}"))
        self.plain = render is render_json and rendered.isascii() and _VARIES.isdisjoint(constant)
        self._facts = constant
        self._render = render
        self._put = put

    def __call__(self, at: float, ms: float, call: str, principal: str | None, peer: str) -> None:
        """Write a line; see `Ended`."""
        self._put(_Late(self, at, ms, call, principal, peer))

    def whole(self, time: datetime, ended: _Late) -> msgspec.Raw:
        """Render a line as any other is."""
        rest = clean({"ms": ended.ms, "call": ended.call, "principal": ended.principal, "peer": ended.peer})
        return msgspec.Raw(self._render({"time": time, **self._facts, **rest}, None))
