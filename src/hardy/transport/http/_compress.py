"""Replies made smaller for clients that ask for it."""

import re
from collections.abc import Sequence

from hardy.concurrency import in_thread
from hardy.server import Request, Response
from hardy.transport.http._coding import compress, wanted
from hardy.transport.http._tags import with_coding

Header = tuple[bytes, bytes]
LEAST = 1024
"""Bytes below which it is not worth it: such a reply is one packet anyway."""
_INLINE = 32 * 1024
"""Bytes beyond which it is done beside the event loop: it takes a millisecond and more."""
_VARY = (b"vary", b"accept-encoding")
_NEVER = frozenset({204, 205, 206})
_COMPRESSIBLE = re.compile(
    rb"text/(?!event-stream)[^;]*|application/(json|x-ndjson|xml|javascript|ecmascript|wasm|yaml|graphql)"
    rb"|[^;/]+/[^;]+\+(json|xml|yaml|text)|image/(svg\+xml|bmp|x-icon)|font/(ttf|otf)",
    re.IGNORECASE,
).match


class Compression:
    """Compresses whole replies; streams stay as they are, for each item has to get out at once.

    Everything that could have been compressed says ``Vary: Accept-Encoding``.
    A strong entity tag names the bytes that are sent, so a compressed reply has
    another one, made of the first: ``"3"`` becomes ``"3%gzip"``, and is
    understood when it comes back in ``If-Match`` or ``If-None-Match``. (A weak
    one would never match in ``If-Match``: RFC 9110 section 8.8.3.)

    Lengths tell what is in a compressed reply. Where secrets stand beside what
    a caller chose, in a page with both a token and a search word, whoever can
    make somebody ask and see how long the answers are finds out the secret
    (BREACH). Send such replies with ``Cache-Control: no-transform``.
    """

    async def apply(self, request: Request, response: Response) -> Response:
        """Return *response* as the client of *request* wants it."""
        status = response.status
        if status == 304:
            return _varied(response)
        if len(response.body) < LEAST or status in _NEVER or not _may_be(response):
            return response
        asked = request.fields.get(b"accept-encoding")
        coding = None if asked is None else wanted(asked)
        if coding is None:
            return _varied(response)
        body = response.body
        small = compress(body, coding) if len(body) < _INLINE else await in_thread(compress, body, coding)
        if len(small) >= len(body):
            return _varied(response)
        extra = [*response.extra, (b"content-encoding", coding.encode()), _VARY]
        return Response(status, _tagged(response.headers, coding), small, _tagged(extra, coding))


def _may_be(response: Response) -> bool:
    kind = b""
    for name, value in (*response.headers, *response.extra):
        if name in {b"content-encoding", b"content-length", b"content-range"}:
            return False
        if name == b"cache-control" and b"no-transform" in value.lower():
            return False
        if name == b"content-type":
            kind = value
    return _COMPRESSIBLE(kind) is not None


def _varied(response: Response) -> Response:
    return Response(response.status, response.headers, response.body, (*response.extra, _VARY))


def _tagged(headers: Sequence[Header], coding: str) -> Sequence[Header]:
    if not any(name == b"etag" for name, _ in headers):
        return headers  # prepared ones stay so
    return [(name, with_coding(value, coding) if name == b"etag" else value) for name, value in headers]
