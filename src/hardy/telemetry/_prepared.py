"""Lines of which only the end varies: what is the same on all of them is rendered once.

An access line is written at every call. Rendered like any other line it costs
as much as the rest of a small call, so its constant part is kept as JSON.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from hardy.telemetry._facts import LONGEST_TEXT

Put = Callable[[bytes], None]
"""Takes one rendered line."""

_encode = msgspec.json.Encoder().encode


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

    __slots__ = ("_constant", "_put")

    def __init__(self, constant: dict[str, object], put: Put) -> None:
        self._constant = msgspec.Raw(_encode(constant).removeprefix(b'{"level":').removesuffix(b"}"))
        self._put = put

    def __call__(self, ms: float, call: str, principal: str | None, peer: str) -> bool:
        """Write a line; return False, with nothing written, when there is something on it to look at first."""
        try:
            line = _encode(_Line(datetime.now(UTC), self._constant, ms, call, principal, peer))
        except UnicodeError:
            return False
        # What redaction and the readers of logs stumble over; see `clean` and `render_json`.
        plain = principal is None and call.isalnum()
        if not plain and (b"eyJ" in line or b"://" in line or b"earer " in line):
            return False
        if len(line) > LONGEST_TEXT or not line.isascii():
            return False
        self._put(line + b"\n")
        return True
