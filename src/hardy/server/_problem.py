"""The engine's own errors as RFC 9457 problem documents."""

import json
from http import HTTPStatus

from hardy.server._fields import prepare
from hardy.server._messages import Response

_CODES = {
    400: "INVALID_ARGUMENT",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    414: "RESOURCE_EXHAUSTED",
    417: "FAILED_PRECONDITION",
    431: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_HEADERS = prepare([(b"content-type", b"application/problem+json")])
_RETRY = prepare([(b"content-type", b"application/problem+json"), (b"retry-after", b"1")])


def problem(status: int, detail: str) -> Response:
    """Return the problem document for *status*, as RFC 9457 has it, with the canonical ``code``.

    Example:
        >>> problem(400, "the Host header is missing").status
        400
    """
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": _CODES.get(status, "UNKNOWN"),
        "detail": detail,
    }
    return Response(status, _RETRY if status == 503 else _HEADERS, json.dumps(document).encode())
