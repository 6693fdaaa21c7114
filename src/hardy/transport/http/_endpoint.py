"""An operation behind its route, prepared to answer requests."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlencode

from hardy.core import Code, DeadlineExceeded, Error, Exposed, FailedPrecondition, Internal
from hardy.resilience import IdempotencyKeyInUse
from hardy.schema import JsonCase, codec
from hardy.server import Request, Response, prepare
from hardy.transport.http._answers import Answers, Header
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._call import HttpCall, Served, UnaryCall
from hardy.transport.http._layout import layout
from hardy.transport.http._path import expander
from hardy.transport.http._plan import Plan, is_none
from hardy.transport.http._query import parse_query, parse_tags
from hardy.transport.http._route import Route
from hardy.transport.http._status import PreconditionRequired, TooSlow, status_of
from hardy.transport.http._tags import without_coding

HeadersOf = Callable[[object, Request], Sequence[Header]]


class Endpoint(ABC):
    """One exposed operation: everything a call needs to know, worked out at build."""

    def __init__(self, exposed: Exposed, answers: Answers, json_case: JsonCase, *, bounds: Bounds) -> None:
        self.bounds = bounds
        self.route = cast("Route", exposed.binding)
        self.operation = exposed.operation
        self.handler = exposed.handler
        self.answers = answers
        self.json_case: JsonCase = json_case
        self.cancels = not exposed.operation.finish_on_disconnect
        self.headers_of: HeadersOf | None = None
        self.form = f"{self.route.method} {self.route.path}"
        self.prepare_plan()

    def prepare_plan(self) -> None:
        """Work out how the message is read and the reply written."""
        out = layout(self.route, self.operation, self.json_case)
        self.binds_if_match = out.if_match is not None
        self.plan = Plan(out, self.operation, self.json_case)
        self.encode: Callable[[object], bytes] = encoder(self.operation.reply, self.json_case)

    @abstractmethod
    async def answer(self, request: Request, segments: Sequence[str]) -> Response | None:
        """Answer *request*, whose path has these raw *segments*."""

    def failed(self, call: HttpCall[Served], error: Exception) -> Response:
        """Answer a call that ended with *error*."""
        known = self.known(call, error)
        return self.answers.error(known, call.id, status=self.status_of(call, known), beside=call.beside())

    def known(self, call: HttpCall[Served], error: Exception) -> Error:
        """Return *error*, or INTERNAL for what no layer of the chain has caught."""
        if isinstance(error, DeadlineExceeded) and call.request.waiting:
            return TooSlow("the body did not arrive in time")  # 408: it was the client who took too long
        if isinstance(error, Error):
            return error
        call.log.exception("a call failed outside of its chain")  # noqa: LOG004  # called while it is handled
        return Internal("internal error")

    def status_of(self, call: HttpCall[Served], error: Error) -> int:
        """Return the status of *error*: 412 instead of 409 where the client said ``If-Match``."""
        conflict = error.code is Code.ABORTED or isinstance(error, FailedPrecondition)
        if (
            conflict
            and self.binds_if_match
            and call.request.fields.get(b"if-match", b"*").strip() not in {b"*", b""}
            and not isinstance(error, PreconditionRequired | IdempotencyKeyInUse)
        ):
            return 412
        return status_of(error)


class UnaryEndpoint(Endpoint):
    """One message in, one reply out."""

    call_class: "type[HttpCall[UnaryEndpoint]]" = UnaryCall
    """Makes the call that a request is."""

    def prepare_plan(self) -> None:
        """Work out status and headers of a success beside the rest."""
        super().prepare_plan()
        empty = is_none(self.operation.reply)
        self.status = self.route.status or (204 if empty else 200)
        content = [] if empty else [(b"content-type", b"application/json")]
        self.headers = prepare([*content, *self.answers.headers])
        self.bare = prepare(self.answers.headers)
        if any(each is not None for each in (self.route.location, self.route.etag, self.route.next)):
            self.headers_of = _headers_of(self.route)

    async def answer(self, request: Request, segments: Sequence[str]) -> Response | None:
        """Run the operation and answer with its reply."""
        call = self.call_class(self, request, segments)
        if self.cancels:
            request.on_gone = call.gone
        try:
            reply = await call.run(self.handler, request.exchange.task)
            if reply is not call.reply:
                call.encode(reply)
        except Exception as error:  # what is no Error is a defect: INTERNAL, and logged
            return self.failed(call, error)
        identity = (b"x-request-id", call.id.encode())
        if call.attached:
            call.extra = (*call.extra, *call.beside())
        if not call.extra:
            return Response(self.status, self.headers, call.body, (identity,))
        if b"if-none-match" in request.fields and request.method in {"GET", "HEAD"}:
            same = _same(request, call.extra)
            if same is not None:
                return Response(304, self.bare, b"", (*same, identity))
        return Response(self.status, self.headers, call.body, (*call.extra, identity))


def encoder(reply: object, json_case: JsonCase) -> Callable[[object], bytes]:
    """Return what writes replies of a type."""
    if is_none(reply):
        return lambda _: b""
    return codec(cast("type[object]", reply), json_case=json_case).encode


def _headers_of(route: Route) -> HeadersOf:
    etag, parameter = route.etag, route.next
    location = expander(route.location) if route.location is not None else None

    def headers_of(reply: object, request: Request) -> Sequence[Header]:
        def look_up(name: str) -> object:
            if isinstance(reply, dict):
                return cast("dict[str, object]", reply).get(name)
            return getattr(reply, name)

        headers: list[Header] = []
        if etag is not None and (version := look_up(etag)) is not None:
            headers.append((b"etag", entity_tag(version)))
        if location is not None:
            headers.append((b"location", location(look_up).encode()))
        if parameter is not None and (cursor := look_up("next")) is not None:
            headers.append((b"link", f'<{_next_page(request, parameter, str(cursor))}>; rel="next"'.encode()))
        return headers

    return headers_of


def _next_page(request: Request, parameter: str, cursor: str) -> str:
    others = [pair for pair in parse_query(request.query) if pair[0] != parameter]
    path = request.path.replace(">", "%3E")  # would end the link
    return f"{path}?{urlencode([*others, (parameter, cursor)])}"


def entity_tag(version: object) -> bytes:
    """Return *version* as a strong entity tag (RFC 9110 section 8.8.3).

    Example:
        >>> entity_tag(3)
        b'"3"'
    """
    text = "".join(sign if "!" <= sign <= "~" and sign not in '"%' else _escape(sign) for sign in str(version))
    return f'"{text}"'.encode()


def _escape(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode(errors="replace"))


def _same(request: Request, headers: Sequence[Header]) -> Sequence[Header] | None:
    """Return *headers* with the tag by which the client has this very version already; ``None`` when it has not.

    The comparison is the weak one of RFC 9110 section 13.1.2.
    """
    current = next((value.decode() for name, value in headers if name == b"etag"), None)
    if current is None:
        return None
    known = b",".join(value for name, value in request.headers if name == b"if-none-match").decode("latin-1")
    if known.strip() == "*":
        return headers
    for tag in parse_tags(known):
        strong = tag.removeprefix("W/")
        if without_coding(strong) == current:  # what it has may be the compressed one
            return [(name, strong.encode("latin-1") if name == b"etag" else value) for name, value in headers]
    return None
