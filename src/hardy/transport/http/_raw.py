"""Raw routes: the request as it came, the response as it goes."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from hardy.core import Call, Error, Metadata
from hardy.server import ClientGone, Prepared, Request as Incoming, RequestFault, Response as Outgoing, prepare
from hardy.transport.http._call import HttpCall, metadata_of, read_body
from hardy.transport.http._endpoint import Endpoint
from hardy.transport.http._layout import layout
from hardy.transport.http._path import decode
from hardy.transport.http._query import parse_query
from hardy.transport.http._status import from_engine
from hardy.transport.http._tags import without_coding

if TYPE_CHECKING:
    from hardy.transport.http._answers import Header

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


class Request:
    """A request as it came, for use cases behind raw routes.

    It lives as long as its call.
    """

    __slots__ = ("_headers", "_incoming", "params")

    def __init__(self, incoming: Incoming, params: Mapping[str, str]) -> None:
        self._incoming = incoming
        self._headers: Metadata | None = None
        self.params = params

    params: Mapping[str, str]
    """The fields of the route's path, decoded."""

    @property
    def method(self) -> str:
        """The method, in upper case."""
        return self._incoming.method

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self._incoming.path

    @property
    def query(self) -> Metadata:
        """The query's parameters; names are looked up without regard to case."""
        return Metadata(parse_query(self._incoming.query))

    @property
    def query_string(self) -> str:
        """The query as it came, still percent-encoded."""
        return self._incoming.query

    @property
    def headers(self) -> Metadata:
        """The headers."""
        if self._headers is None:
            self._headers = _plain_tags(self._incoming)
        return self._headers

    @property
    def peer(self) -> str:
        """Who is at the other end of the connection."""
        return self._incoming.peer

    async def body(self) -> bytes:
        """Return the whole body, as the bytes that came: what a webhook signs.

        Raises:
            ResourceExhausted: It is longer than the limit.
        """
        return await read_body(self._incoming)

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece; the client waits while nobody asks for more."""
        try:
            async for piece in self._incoming.chunks():
                yield piece
        except (RequestFault, ClientGone) as fault:
            raise from_engine(fault) from None


def _plain_tags(incoming: Incoming) -> Metadata:
    """Return the headers, entity tags as the use case made them: compression has given them another end."""
    if b"if-none-match" not in incoming.fields and b"if-match" not in incoming.fields:
        return metadata_of(incoming)
    tags = {b"if-match", b"if-none-match"}
    texts = ((name, value.decode("latin-1")) for name, value in incoming.headers)
    return Metadata((name.decode("latin-1"), without_coding(text) if name in tags else text) for name, text in texts)


class Response:
    r"""A response as it goes out.

    Args:
        status: 200 to 599.
        headers: A mapping, or pairs where a name repeats.
        body: Text is sent as UTF-8, as ``text/plain`` unless *headers* say
            what it is.
        stream: The body piece by piece, instead of *body*.

    Raises:
        ValueError: A header contains a line break or another control
            character, or frames the message, which is the engine's to do.

    Example:
        >>> Response(200, {"content-type": "text/html; charset=utf-8"}, "<h1>hello</h1>").status
        200
        >>> Response(302, {"location": "/a\r\nset-cookie: b"})
        Traceback (most recent call last):
        ValueError: the value of header location contains a control character
    """

    __slots__ = ("body", "headers", "status", "stream")

    def __init__(
        self,
        status: int = 200,
        headers: Headers = (),
        body: bytes | str = b"",
        *,
        stream: AsyncIterator[bytes] | None = None,
    ) -> None:
        if type(headers) is dict:  # told at once; asking whether something is a Mapping takes ten times as long
            pairs = tuple(cast("dict[str, str]", headers).items())
        else:
            pairs = tuple(headers.items() if isinstance(headers, Mapping) else headers)
        only_type = len(pairs) == 1 and pairs[0][0] == "content-type"
        if body and not only_type and not any(name.lower() == "content-type" for name, _ in pairs):
            kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/octet-stream"
            pairs = (*pairs, ("content-type", kind))
            only_type = len(pairs) == 1
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is no status of a response")
        self.status = status
        self.headers: Sequence[Header] = _typed(pairs[0][1]) if only_type else _prepared(pairs)
        self.body = body.encode() if isinstance(body, str) else body
        self.stream = stream

    def ready(self, headers: "Sequence[Header]" = ()) -> Outgoing:
        """Return the engine's response, with the transport's *headers*."""
        return Outgoing(self.status, self.headers, self.body, tuple(headers))


def _prepared(pairs: Iterable[tuple[str, str]]) -> Prepared:
    return prepare([(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs])


@lru_cache(maxsize=64)
def _typed(content_type: str) -> Prepared:
    """Return the headers of most responses: a service has a handful of content types."""
    return _prepared((("content-type", content_type),))


class RawCall(HttpCall["RawEndpoint"]):
    """A call of a raw route: its message is the request, its reply the response."""

    __slots__ = ()

    async def receive(self) -> object:
        """Return the request."""
        return self.receive_now()

    def receive_now(self) -> object:
        """Return the request."""
        endpoint = self.endpoint
        if not endpoint.fields:
            return Request(self.request, {})
        params = {
            name: decode("/".join(self.segments[at:]) if tail else self.segments[at])
            for name, at, tail in endpoint.fields
        }
        return Request(self.request, params)


class RawEndpoint(Endpoint):
    """An operation that takes the request and returns the response."""

    def prepare_plan(self) -> None:
        """Work out where the fields of the path are."""
        self.binds_if_match = False
        self.encode = self._check
        path = layout(self.route, self.operation).path
        segments = path.segments if path else ()
        self.fields = [(each.text, at, each.is_tail) for at, each in enumerate(segments) if each.is_field]

    def _check(self, reply: object) -> bytes:
        if not isinstance(reply, Response):
            raise TypeError(f"{self.operation.name} must return an http.Response, not {type(reply).__name__}")
        return reply.body

    async def answer(self, request: Incoming, segments: Sequence[str]) -> Outgoing | None:
        """Run the operation and send its response."""
        call = RawCall(self, request, segments)
        if self.cancels:
            request.on_gone = call.gone
        try:
            reply = await call.run(self.handler, request.exchange.task)
            if reply is not call.reply:
                self.encode(reply)
        except Exception as error:  # what is no Error is a defect: INTERNAL, and logged
            return self.failed(call, error)
        response = cast("Response", reply)
        extra = [*self.answers.headers, (b"x-request-id", call.id.encode())]
        if call.attached:
            extra += call.beside()
        if response.stream is None:
            return Outgoing(response.status, response.headers, response.body, extra)
        await self._pump(call, response.status, [*response.headers, *extra], response.stream)
        return None

    async def _pump(self, call: RawCall, status: int, headers: "list[Header]", pieces: AsyncIterator[bytes]) -> None:
        out = await call.request.start(status, headers)

        async def pump(_: Call) -> object:
            async for piece in pieces:
                await out.write(piece)
            await out.end()
            return None

        try:
            await call.run(pump)
        except ClientGone:
            pass
        except Exception as error:  # the head is sent: all that is left is to show that the body is not whole
            if not isinstance(error, Error):
                call.log.exception("a raw stream failed")
            out.abort()
        finally:
            if isinstance(pieces, AsyncGenerator):
                await cast("AsyncGenerator[bytes]", pieces).aclose()
