"""Content negotiation: what the client takes, and what it sent (RFC 9110 sections 8.3 and 12.5)."""

from functools import lru_cache

from hardy.transport.http._coding import CODINGS
from hardy.transport.http._status import NotAcceptable, UnsupportedCoding, UnsupportedMediaType

JSON = "application/json"
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_MOST = 100
"""Ranges in an Accept header that are looked at."""
_NDJSON_NAMES = (NDJSON, "application/jsonl")


@lru_cache(maxsize=256)
def quality(accept: str, offered: str) -> float:
    """Return how much a client that sent *accept* wants *offered*: 0 to 1, by the most exact range that names it.

    Example:
        >>> quality("text/html, application/*;q=0.5", "application/json")
        0.5
    """
    main = offered.partition("/")[0]
    best, found = -1, 0.0
    for part in accept.split(",", _MOST)[:_MOST]:
        name, *parameters = part.split(";")
        exactness = {"*/*": 0, f"{main}/*": 1, offered: 2}.get(name.strip().lower(), -1)
        if exactness > best:
            best, found = exactness, _weight(parameters)
    return found


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def check_accept(accept: bytes | None) -> None:
    """Refuse a client that takes no JSON.

    Raises:
        NotAcceptable: It does not.
    """
    if accept is None or accept in {b"*/*", b"application/json"}:
        return
    if not quality(accept.decode("latin-1"), JSON):
        raise NotAcceptable(f"the reply is {JSON}, which the Accept header excludes", offered=[JSON])


def choose_stream(accept: bytes | None) -> str:
    """Return the form a stream of replies takes: server-sent events where they are wanted most, or NDJSON.

    Raises:
        NotAcceptable: The client takes neither.
    """
    if accept is None or accept == b"*/*":
        return NDJSON
    text = accept.decode("latin-1")
    lines, line_name = max((quality(text, name), name == NDJSON) for name in _NDJSON_NAMES)
    events = quality(text, SSE)
    if not lines and not events:
        raise NotAcceptable("the reply is a stream", offered=[SSE, NDJSON])
    if events > lines or (events == lines and "text/event-stream" in text.lower() and "ndjson" not in text.lower()):
        return SSE
    return NDJSON if line_name else _NDJSON_NAMES[1]


@lru_cache(maxsize=256)
def _is(content_type: str, names: tuple[str, ...], suffix: str) -> bool:
    name, *parameters = content_type.split(";")
    kind = name.strip().lower()
    if kind not in names and not (suffix and kind.endswith(suffix) and "/" in kind):
        return False
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and value.strip(' "').lower() not in {"utf-8", "utf8"}:
            return False
    return True


def check_json(headers: dict[bytes, bytes], has_body: bool) -> None:  # noqa: FBT001  # one caller, one meaning
    """Refuse a body that is not JSON in UTF-8; one without a content type is taken for it.

    Raises:
        UnsupportedMediaType: It is something else.
    """
    if not has_body:
        return
    content_type = headers.get(b"content-type")
    if content_type is None or content_type == b"application/json":
        return
    if not _is(content_type.decode("latin-1"), (JSON,), "+json"):
        raise UnsupportedMediaType(f"the body must be {JSON} in UTF-8", accepted=[JSON])


def check_ndjson(headers: dict[bytes, bytes]) -> None:
    """Refuse a body that is no NDJSON; one without a content type is taken for it.

    Raises:
        UnsupportedMediaType: It is something else.
    """
    content_type = headers.get(b"content-type")
    if content_type is not None and not _is(content_type.decode("latin-1"), _NDJSON_NAMES, ""):
        raise UnsupportedMediaType(f"the body must be {NDJSON} in UTF-8", accepted=list(_NDJSON_NAMES))


def coding_of(headers: dict[bytes, bytes]) -> str | None:
    """Return the coding of a body that is compressed.

    Raises:
        UnsupportedCoding: It is none that is understood here, or several.
    """
    given = headers.get(b"content-encoding")
    if given is None:
        return None
    coding = given.decode("latin-1").strip().lower().removeprefix("x-")
    if coding in {"identity", ""}:
        return None
    if coding not in CODINGS:
        raise UnsupportedCoding(f"the body must be in one of: {', '.join(CODINGS)}", accepted=list(CODINGS))
    return coding
