"""Header lines on their way in: one strict reading of RFC 9112 section 5.

A line is a token, a colon, and a value of visible characters with blanks in
between; nothing stands before the colon, nothing is folded. Whatever else it
holds (a bare CR or LF, NUL, any other control character) is refused.
"""

from hardy.server._errors import RequestFault
from hardy.server._fields import Field

_IN_NAMES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IN_VALUES = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_ALIKE = frozenset(
    (
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"cache-control",
        b"connection",
        b"content-length",
        b"content-type",
        b"host",
        b"origin",
        b"user-agent",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
    )
)
"""What a client says alike in each request, and many clients alike; nothing that is secret."""
_LONGEST = 256
_MOST = 1024


class FieldLines:
    r"""Reads header lines; remembers the usual ones, which most of a head consists of.

    One for all connections of a server. What it remembers is bounded, at about
    half a megabyte, and never a credential.

    Example:
        >>> FieldLines().read(b"Accept:  text/html ")
        (b'accept', b'text/html')
        >>> FieldLines().read(b"Accept : text/html")
        Traceback (most recent call last):
        hardy.server.RequestFault: 400: a header line is not: name, colon, value
    """

    __slots__ = ("_names", "known")

    def __init__(self) -> None:
        self.known: dict[bytes, Field] = {}
        self._names: dict[bytes, bytes] = {}

    def read(self, line: bytes) -> Field:
        """Return the lower-case name and the value of *line*, which has no line end.

        Raises:
            RequestFault: It is no header line.
        """
        name, colon, value = line.partition(b":")
        low = self._names.get(name) or self._name(name)
        # What is left when all that may be there is taken away.
        if not colon or value.translate(None, _IN_VALUES):
            raise _malformed()
        field = (low, value.strip(b" \t"))
        if low in _ALIKE and len(line) <= _LONGEST:
            if len(self.known) >= _MOST:
                self.known.clear()
            self.known[line] = field
        return field

    def _name(self, name: bytes) -> bytes:
        if not name or name.translate(None, _IN_NAMES):
            raise _malformed()
        low = name.lower()
        if len(name) <= _LONGEST:
            if len(self._names) >= _MOST:
                self._names.clear()
            self._names[name] = low
        return low

    def screen(self, start: bytes) -> None:
        """Refuse the *start* of header lines, the last one not here as a whole, when nothing could make them right.

        Raises:
            RequestFault: One of them is no header line.
        """
        *lines, last = start.split(b"\r\n")
        for line in lines:
            self.read(line)
        name, _, value = last.removesuffix(b"\r").partition(b":")
        if name.translate(None, _IN_NAMES) or value.translate(None, _IN_VALUES) or last.startswith(b":"):
            raise _malformed()


def _malformed() -> RequestFault:
    return RequestFault(400, "a header line is not: name, colon, value")
