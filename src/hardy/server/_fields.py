"""Header fields on their way out: checked, and rendered to bytes.

Nothing that a user's value contains can end a header line: CR, LF and NUL are
refused, not replaced. The fields that frame the message belong to the engine.
"""

import re
import time
from collections.abc import Iterable, Sequence

Field = tuple[bytes, bytes]
"""One header field: lower-case name, value."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_UNSAFE_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_ENGINES_OWN = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"te", b"trailer", b"upgrade")
)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
USUAL = {b"x-request-id": b"x-request-id: "}
"""Names that stand on most replies, checked already."""


def http_date(seconds: float) -> bytes:
    """Return a moment, in seconds since 1970, as RFC 9110 section 5.6.7 writes it, whatever the locale.

    Example:
        >>> http_date(784111777)
        b'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT".encode()


class Prepared(tuple[Field, ...]):  # noqa: SLOT001  a tuple has no room for slots of its own
    """Header fields that were checked and rendered once, at build.

    A reply that carries them costs no checks. It is still a sequence of plain
    fields, so every version of HTTP can send it.

    Attributes:
        raw: The fields as HTTP/1.1 lines.
        dated: Whether a ``date`` is among them.
        length: The ``content-length`` among them, or -1.
        begun: By status, how a reply with these fields begins in HTTP/1.1; the
            engine's own notes.
    """

    raw: bytes
    dated: bool
    length: int
    begun: dict[int, bytes]


def prepare(headers: Iterable[Field]) -> Prepared:
    r"""Check *headers* and render them for every reply that will carry them.

    Raises:
        ValueError: A name is no token, a value contains a control character,
            a singleton is given twice, or the field belongs to the engine
            (``connection``, ``transfer-encoding`` ...).

    Example:
        >>> json = prepare([(b"content-type", b"application/json")])
        >>> json.raw
        b'content-type: application/json\r\n'
    """
    prepared = Prepared(headers)
    prepared.raw, prepared.dated, prepared.length = render(prepared)
    prepared.begun = {}
    return prepared


def line_of(name: bytes, value: bytes) -> bytes:
    r"""Return one further field of a reply as a line.

    Raises:
        ValueError: It cannot be sent; see `prepare`.

    Example:
        >>> line_of(b"x-request-id", b"c1")
        b'x-request-id: c1\r\n'
    """
    line, dated, length = render(((name, value),))
    if dated or length >= 0:
        raise ValueError(f"header {name.decode()} has to stand among the reply's own headers")
    return line


def render(headers: Sequence[Field], *, upgrade: bool = False) -> tuple[bytes, bool, int]:
    """Return *headers* as lines without ``content-length``, whether a date is among them, and the length or -1."""
    lines: list[bytes] = []
    dated = False
    length = -1
    for name, value in headers:
        if not _NAME(name):
            raise ValueError(f"{name!r} is no header name")
        if _UNSAFE_VALUE(value):
            raise ValueError(f"the value of header {name.decode()} contains a control character")
        low = name.lower()
        if low == b"content-length":
            length = _length(value, length)
            continue
        if low in _ENGINES_OWN and not (upgrade and low == b"upgrade"):
            raise ValueError(f"header {low.decode()} belongs to the engine")
        if low == b"date":
            if dated:
                raise ValueError("header date is given twice")
            dated = True
        lines.append(low + b": " + value + b"\r\n")
    return b"".join(lines), dated, length


def _length(value: bytes, before: int) -> int:
    if before >= 0:
        raise ValueError("header content-length is given twice")
    if not value.isdigit():
        raise ValueError("header content-length is no number")
    return int(value)
