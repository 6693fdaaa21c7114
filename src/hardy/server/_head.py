"""The head of a request, read strictly.

The header lines are split by `hardy.server._lines`. The request line, the Host
and everything that decides where a message ends is read here, by one rule: what
two parsers could read differently is refused (RFC 9112 sections 2.2, 3, 5, 6, 11).
"""

import re
from collections.abc import Sequence

from hardy.core import ClientCertificate
from hardy.server._errors import RequestFault
from hardy.server._fields import Field
from hardy.server._limits import Limits
from hardy.server._lines import FieldLines
from hardy.server._messages import Exchange, Request

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")}
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}").fullmatch
_HOST = re.compile(
    rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+(?::[0-9]{1,5})?"
    rb"|\[[0-9A-Fa-f:]+(?:[0-9.]+)?\](?::[0-9]{1,5})?"
).fullmatch
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([/?].*)?", re.IGNORECASE).fullmatch
_CHUNKED_LINE = re.compile(rb"\r\ntransfer-encoding: ?chunked\r\n", re.IGNORECASE).search
_BROKEN_LINE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
_KEEP_ALIVE = {(b"keep-alive", "1.1"): True, (b"close", "1.1"): False, (b"keep-alive", "1.0"): True}
_SINGLETONS = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"expect",
        b"content-type",
        b"authorization",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
    )
)
_LISTS = (
    b"connection",
    b"accept",
    b"accept-encoding",
    b"content-encoding",
    b"forwarded",
    b"if-match",
    b"if-none-match",
    b"x-forwarded-for",
)
CHUNKED = -1
_BLANK = 2
"""Pieces behind the last header, split at line ends: nothing, twice."""
_MOST_KEPT = 1024
"""Bytes of header lines, and of the line before them, that are kept for the next request of a connection."""


def _bad(detail: str) -> RequestFault:
    return RequestFault(400, detail)


class HeadParser:
    """Reads the heads of one connection, one after another.

    Most clients send the same header lines with each request of a connection, and
    change the target alone, if that; so the last request is kept while its lines are
    few, and what is like it is copied from it.

    Attributes:
        last: The head of the request that `again` returns, or nothing.
    """

    __slots__ = (
        "_block",
        "_certificate",
        "_exchange",
        "_host",
        "_known",
        "_limits",
        "_lines",
        "_model",
        "_peer",
        "_scheme",
        "last",
    )

    def __init__(self, exchange: Exchange, limits: Limits, lines: FieldLines) -> None:
        self._exchange = exchange
        self._limits = limits
        self._lines = lines
        self._known = lines.known
        self._scheme = "http"
        self._peer = "unix"
        self._certificate: ClientCertificate | None = None
        self._host: bytes | None = None
        self._block = b""
        self._model = self.blank()
        self.last = b""

    def connected(self, *, scheme: str, peer: str, certificate: ClientCertificate | None = None) -> None:
        """Note what every request of the connection says about it."""
        self._scheme = scheme
        self._peer = peer
        self._certificate = certificate

    def blank(self) -> Request:
        """Return a request that nobody made, for replies to what is none."""
        return Request(
            method="GET",
            target="",
            path="",
            query="",
            headers=(),
            fields={},
            version="1.1",
            scheme=self._scheme,
            peer=self._peer,
            exchange=self._exchange,
            max_body=0,
            keep_alive=False,
        )

    def parse(self, head: bytes) -> Request:
        """Return the request whose complete *head*, blank line included, this is.

        Raises:
            RequestFault: Anything about it is in doubt or over a limit.
        """
        self.last = b""
        line, _, block = head.partition(b"\r\n")
        method, target, version = self._request_line(line)
        model = self._model
        if block != self._block or version != "1.1":
            self._block = b""
            headers, fields = self._fields(head, line, block)
            path, query = self._address(method, target, version, fields)
            model = self._request(head, version, headers, fields)
            if version == "1.1" and len(block) <= _MOST_KEPT:
                self._block, self._model = block, model
        else:
            path, query = self._address(method, target, version, model.fields)
        model.method = method
        model.target = target
        model.path = path
        model.query = query
        if not self._block:
            return model  # nobody else has it
        if len(line) <= _MOST_KEPT:
            self.last = head
        return self.again()

    def again(self) -> Request:
        """Return the last request once more, as it was before anything was done with it."""
        request = self._model.__copy__()  # what copy.copy calls, which takes longer to find it
        request.fields = request.fields.copy()
        return request

    def _request(self, head: bytes, version: str, headers: Sequence[Field], fields: dict[bytes, bytes]) -> Request:
        """Return what a *head* says below its first line."""
        length = _body_length(head, version, fields)
        return Request(
            method="",
            target="",
            path="",
            query="",
            headers=headers,
            fields=fields,
            version=version,
            scheme=self._scheme,
            peer=self._peer,
            exchange=self._exchange,
            max_body=self._limits.body,
            certificate=self._certificate,
            content_length=length,
            expects_continue=b"expect" in fields and _expects_continue(fields[b"expect"], version, length),
            keep_alive=_keep_alive(fields.get(b"connection"), version),
        )

    def _fields(self, head: bytes, line: bytes, block: bytes) -> tuple[Sequence[Field], dict[bytes, bytes]]:
        """Read the header lines of *head*, which begins with the request's *line* and goes on with *block*."""
        limits = self._limits
        if len(head) - len(line) > limits.header_bytes:
            raise RequestFault(431, f"the headers are larger than {limits.header_bytes} bytes")
        lines = block.split(b"\r\n")
        if len(lines) - _BLANK > limits.headers:
            raise RequestFault(431, f"there are more than {limits.headers} headers")
        known, read = self._known.get, self._lines.read
        headers = tuple([known(line) or read(line) for line in lines[:-_BLANK]])
        fields = dict(headers)
        return headers, fields if len(fields) == len(headers) else _first_of_each(headers)

    def screen(self, start: bytes, *, thorough: bool) -> None:
        """Refuse the *start* of a head that no continuation could make right, so that its sender need not wait.

        Args:
            thorough: Look at more than its size; worth it once for every line.

        Raises:
            RequestFault: It is wrong already, or over a limit.
        """
        line, found, _ = start.partition(b"\r\n")
        if len(line) > self._limits.request_line:
            raise RequestFault(414, f"the request line is longer than {self._limits.request_line} bytes")
        if len(start) - len(line) > self._limits.header_bytes:
            raise RequestFault(431, f"the headers are larger than {self._limits.header_bytes} bytes")
        if not thorough:
            return
        if _BROKEN_LINE(start):
            raise _bad("a control character, or a line that does not end with CR LF")
        if not found:
            if not _TOKEN(line.partition(b" ")[0][:64]):
                raise _bad("the request line does not begin with a method")
            return
        self._request_line(line)
        self._lines.screen(start[len(line) + 2 :])

    def _request_line(self, line: bytes) -> tuple[str, str, str]:
        if len(line) > self._limits.request_line:
            raise RequestFault(414, f"the request line is longer than {self._limits.request_line} bytes")
        try:
            method, raw_target, raw_version = line.split(b" ")
            target = raw_target.decode("ascii")
        except ValueError:
            raise _bad("the request line is not: method, target, version") from None
        version = _VERSIONS.get(raw_version)
        if version is None:
            raise _bad("the version is neither HTTP/1.1 nor HTTP/1.0")
        if not target or not target.isprintable() or "#" in target:
            raise _bad("the target contains a character that no URI has")
        name = _METHODS.get(method)
        if name is None:
            if not _TOKEN(method):
                raise _bad("the method is no token")
            name = method.decode()
        return name, target, version

    def _address(self, method: str, target: str, version: str, fields: dict[bytes, bytes]) -> tuple[str, str]:
        host = fields.get(b"host")
        if host is None:
            if version != "1.0":
                raise _bad("the Host header is missing")
        elif host != self._host:
            if not _HOST(host):
                raise _bad("the Host header is no host")
            self._host = host
        if method == "CONNECT":
            raise _bad("this server is no proxy")
        if target[0] == "/":
            if "?" not in target:
                return target, ""
            path, _, query = target.partition("?")
            return path, query
        if target == "*":
            if method != "OPTIONS":
                raise _bad("the target * is for OPTIONS only")
            return "*", ""
        found = _ABSOLUTE(target.encode())
        if found is None:
            raise _bad("the target is neither a path nor an http URI")
        authority: bytes = found[1]
        if not _HOST(authority) or (host is not None and authority.lower() != host.lower()):
            raise _bad("the target names another host than the Host header")
        path, _, query = (found[2] or b"/").decode().partition("?")
        return path or "/", query


def _first_of_each(headers: Sequence[Field]) -> dict[bytes, bytes]:
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in seen:
            seen[name] = value
        elif name in _SINGLETONS:
            raise _bad(f"the header {name.decode()} is given twice")
    # RFC 9110 section 5.3: of these, several lines say the same as one line with commas.
    for wanted in _LISTS:
        if wanted in seen:
            seen[wanted] = b", ".join([value for name, value in headers if name == wanted])
    return seen


def _body_length(head: bytes, version: str, fields: dict[bytes, bytes]) -> int:
    given = fields.get(b"content-length")
    if b"transfer-encoding" in fields:
        if given is not None:
            raise _bad("both Content-Length and Transfer-Encoding are given")
        if version == "1.0":
            raise _bad("HTTP/1.0 has no Transfer-Encoding")
        if not _CHUNKED_LINE(head):
            raise _bad("the only Transfer-Encoding here is chunked")
        return CHUNKED
    if given is None:
        return 0
    if not given.isdigit() or len(given) > 19 or (length := int(given)) >= 1 << 63:
        raise _bad("the Content-Length is no length")
    return length


def _expects_continue(value: bytes, version: str, length: int) -> bool:
    if version == "1.0":
        return False
    if value.lower() != b"100-continue":
        raise RequestFault(417, "the only expectation known here is 100-continue")
    return length != 0


def _keep_alive(connection: bytes | None, version: str) -> bool:
    if connection is None:
        return version == "1.1"
    known = _KEEP_ALIVE.get((connection, version))
    if known is not None:
        return known
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (version == "1.1" or b"keep-alive" in options)
