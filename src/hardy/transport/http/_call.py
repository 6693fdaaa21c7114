"""One operation in flight over HTTP."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from hardy.core import NOT_YET, Call, Cancelled, ClientCertificate, Metadata, Operation, Written
from hardy.server import ClientGone, Request, RequestFault
from hardy.transport.http._accept import check_accept, check_json, coding_of
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._inflate import read_inflated
from hardy.transport.http._plan import Plan
from hardy.transport.http._status import from_engine

_ID_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_LONGEST_WAIT = 86400.0
_NOTHING = object()
"""No reply is this: nothing is encoded yet."""
ANYTHING = frozenset({None, b"*/*", b"application/json"})
"""Accept headers of everybody who has no wish."""


class Served(Protocol):
    """What a call needs to know of its endpoint."""

    @property
    def operation(self) -> Operation: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def bounds(self) -> Bounds: ...
    @property
    def form(self) -> str: ...
    @property
    def encode(self) -> Callable[[object], bytes]: ...
    @property
    def headers_of(self) -> Callable[[object, Request], Sequence[tuple[bytes, bytes]]] | None: ...


E_co = TypeVar("E_co", bound=Served, covariant=True)


class HttpCall(Call, Generic[E_co]):
    """A call that came as an HTTP request, and the reply while it is written."""

    __slots__ = ("body", "endpoint", "extra", "reply", "request", "segments")

    def __init__(self, endpoint: E_co, request: Request, segments: Sequence[str]) -> None:
        fields = request.fields
        wait = fields.get(b"request-timeout")
        given = fields.get(b"x-request-id")
        super().__init__(
            endpoint.operation,
            "http",
            id=None if given is None else request_id(given),
            peer=request.peer,
            timeout=None if wait is None else _seconds(wait),
        )
        self.endpoint = endpoint
        self.request = request
        self.segments = segments
        self.body = b""
        self.extra: Sequence[tuple[bytes, bytes]] = ()
        self.reply: object = _NOTHING

    def gone(self) -> None:
        """End the call because nobody waits for it any more."""
        self.cancel(Cancelled("the client is gone"))

    def read_certificate(self) -> ClientCertificate | None:
        """Return what TLS has proved about the client."""
        return self.request.certificate

    def read_metadata(self) -> Metadata:
        """Return the headers."""
        return metadata_of(self.request)

    async def receive(self) -> object:
        """Decode the message from path, query, headers and body."""
        request = self.request
        accept = request.fields.get(b"accept")
        if accept not in ANYTHING:
            check_accept(accept)
        return await self.read()

    async def read(self) -> object:
        """Make the message by the endpoint's plan."""
        request, plan = self.request, self.endpoint.plan
        if not plan.wants_body:
            return plan.read(request, self.segments, b"")
        fields = request.fields
        if plan.form is not None:
            return await plan.form.receive(request, self.segments, self.endpoint.bounds)
        if fields.get(b"content-type") != b"application/json" or b"content-encoding" in fields:
            check_json(fields, bool(request.body) or request.content_length != 0)
            if (coding := coding_of(fields)) is not None:
                whole = await read_inflated(request, coding, self.endpoint.bounds.body_ratio)
                return plan.read(request, self.segments, whole)
        body = request.body
        if body is None or len(body) > request.max_body:
            body = await read_body(request)
        return plan.read(request, self.segments, body)

    def encode(self, reply: object) -> None:
        """Encode the reply and the headers that are made from it."""
        endpoint = self.endpoint
        self.body = endpoint.encode(reply)
        if endpoint.headers_of is not None:
            self.extra = endpoint.headers_of(reply, self.request)
        self.reply = reply

    def written(self) -> Written | None:
        """Return body and headers of the reply."""
        return Written(self.endpoint.form, self.body, tuple(self.extra))

    def rewrite(self, reply: object, written: Written) -> bool:
        """Answer with the bytes that an earlier call of the same route was answered with."""
        if written.form != self.endpoint.form:
            return False
        self.body, self.extra, self.reply = written.body, written.headers, reply
        return True

    def beside(self) -> Sequence[tuple[bytes, bytes]]:
        """Return what was attached to the call, as headers."""
        return [(name.encode(), value.encode("latin-1")) for name, value in self.attached]


class UnaryCall(HttpCall[E_co]):
    """A call whose message is mostly here as a whole when it begins."""

    __slots__ = ()

    def receive_now(self) -> object:
        """Decode the message unless its body is still on the way, or in another form than plain JSON."""
        request = self.request
        fields = request.fields
        if fields.get(b"accept") not in ANYTHING:
            check_accept(fields[b"accept"])
        plan = self.endpoint.plan
        if not plan.wants_body:
            return plan.read(request, self.segments, b"")
        body = request.body
        if (
            body is None
            or len(body) > request.max_body
            or fields.get(b"content-type") != b"application/json"
            or b"content-encoding" in fields
            or plan.form is not None
        ):
            return NOT_YET
        return plan.read(request, self.segments, body)


async def read_body(request: Request) -> bytes:
    """Return the whole body, or raise what the call fails with."""
    try:
        return await request.read()
    except (RequestFault, ClientGone) as fault:
        raise from_engine(fault) from None


def request_id(given: bytes | None) -> str | None:
    """Return the caller's own id for the call, when it is fit to stand in logs and headers."""
    if given is None or not 0 < len(given) <= 64 or given.translate(None, _ID_CHARACTERS):
        return None
    return given.decode("ascii")


def _seconds(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT else None


def metadata_of(request: Request) -> Metadata:
    """Return the headers of *request* as metadata."""
    return Metadata((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers)
