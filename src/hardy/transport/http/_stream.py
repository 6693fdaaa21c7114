"""Streams: replies as server-sent events or NDJSON, messages as NDJSON."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress

from hardy.core import Cancelled, Exposed, InvalidMessage, Malformed
from hardy.schema import Codec, JsonCase, codec
from hardy.server import ClientGone, Request, RequestFault, Response, ResponseStream
from hardy.transport.http._accept import NDJSON, SSE, check_accept, check_ndjson, choose_stream, coding_of
from hardy.transport.http._answers import Answers
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._call import ANYTHING, HttpCall
from hardy.transport.http._endpoint import Endpoint, UnaryEndpoint
from hardy.transport.http._inflate import inflate
from hardy.transport.http._status import TooLarge, from_engine

HEARTBEAT = 15.0
"""Seconds between comments on a quiet stream of events, so that nothing between takes it for dead."""


class StreamCall(HttpCall["ServerStreamEndpoint"]):
    """A call whose replies are sent as they come; the status goes out with the first."""

    __slots__ = ("beat", "form", "out")

    def __init__(self, endpoint: "ServerStreamEndpoint", request: Request, segments: Sequence[str]) -> None:
        super().__init__(endpoint, request, segments)
        self.form = NDJSON
        self.out: ResponseStream | None = None
        self.beat: asyncio.Task[None] | None = None

    async def receive(self) -> object:
        """Decide how items are written, and decode the message."""
        self.form = choose_stream(self.request.fields.get(b"accept"))
        return await self.read()

    def encode(self, reply: object) -> None:
        """Do nothing: a stream has no reply beside its items."""

    async def send(self, item: object) -> None:
        """Send one item, waiting while the client does not read."""
        payload = self.endpoint.encode(item)
        frame = b"data: " + payload + b"\n\n" if self.form is SSE else payload + b"\n"
        try:
            await (self.out or await self._open()).write(frame)
        except ClientGone:
            raise Cancelled("the client is gone") from None

    async def _open(self) -> ResponseStream:
        endpoint = self.endpoint
        headers = [
            (b"content-type", self.form.encode()),
            (b"cache-control", b"no-store"),
            (b"x-request-id", self.id.encode()),
            *self.beside(),
        ]
        self.out = await self.request.start(endpoint.status, [*headers, *endpoint.answers.headers])
        if self.form is SSE:
            self.beat = asyncio.get_running_loop().create_task(self._keep_alive(self.out))
        return self.out

    async def _keep_alive(self, out: ResponseStream) -> None:
        with suppress(ClientGone):  # the use case learns it from its next item, or from `on_gone`
            while True:
                await asyncio.sleep(HEARTBEAT)
                await out.write(b":\n\n")

    async def finish(self, frame: bytes = b"") -> None:
        """End the reply, with a last *frame*."""
        if self.beat is not None:
            self.beat.cancel()
        with suppress(ClientGone):
            if frame:
                await (self.out or await self._open()).write(frame)
            await (self.out or await self._open()).end()


class ServerStreamEndpoint(Endpoint):
    """One message in, a stream of replies out."""

    def prepare_plan(self) -> None:
        """Work out the status beside the rest."""
        super().prepare_plan()
        self.status = self.route.status or 200

    async def answer(self, request: Request, segments: Sequence[str]) -> Response | None:
        """Run the operation, writing its replies as they come."""
        call = StreamCall(self, request, segments)
        if self.cancels:
            request.on_gone = call.gone
        try:
            await call.run(self.handler)
        except Exception as error:  # what is no Error is a defect: INTERNAL, and logged
            if call.out is None:
                return self.failed(call, error)
            known = self.known(call, error)
            problem = self.answers.body_of(known, call.id, status=self.status_of(call, known))
            await call.finish(last_frame(call.form, problem))
            return None
        except BaseException:
            if call.out is not None:
                call.out.abort()
            raise
        finally:
            if call.beat is not None:
                call.beat.cancel()
        await call.finish()
        return None


def last_frame(form: str, problem: bytes) -> bytes:
    """Return how a stream that has begun tells that it failed."""
    if form is SSE:
        return b"event: error\ndata: " + problem.replace(b"\n", b"\ndata: ") + b"\n\n"
    return b'{"error":' + problem.replace(b"\n", b" ") + b"}\n"


class ClientStreamCall(HttpCall["ClientStreamEndpoint"]):
    """A call whose messages come one to a line."""

    __slots__ = ("items",)

    async def receive(self) -> object:
        """Return the iterator over the items; each is decoded when it is asked for."""
        fields = self.request.fields
        if fields.get(b"accept") not in ANYTHING:
            check_accept(fields.get(b"accept"))
        check_ndjson(fields)
        endpoint = self.endpoint
        self.request.max_body = sys.maxsize  # each item is limited, the stream is as long as it is
        pieces = self.request.chunks()
        if (coding := coding_of(fields)) is not None:
            pieces = inflate(pieces, coding, limit=sys.maxsize, ratio=endpoint.bounds.body_ratio)
        return decode_items(endpoint.item, lines(pieces, endpoint.bounds.message))


class ClientStreamEndpoint(UnaryEndpoint):
    """A stream of messages in, one reply out."""

    call_class = ClientStreamCall

    def __init__(self, exposed: Exposed, answers: Answers, json_case: JsonCase, *, bounds: Bounds) -> None:
        super().__init__(exposed, answers, json_case, bounds=bounds)
        self.item: Codec[object] = codec(exposed.operation.message, json_case=json_case)


async def decode_items(item: Codec[object], texts: AsyncIterator[bytes]) -> AsyncGenerator[object]:
    """Yield each of *texts* as an item; a fault says in its details which one it is, from 0."""
    number = 0
    async for text in texts:
        try:
            yield item.decode(text)
        except (InvalidMessage, Malformed) as error:
            error.details = {**error.details, "item": number}
            raise
        number += 1


async def lines(pieces: AsyncIterator[bytes], longest: int) -> AsyncGenerator[bytes]:
    """Yield the lines of a body, which comes in *pieces*, that are not empty.

    Raises:
        ResourceExhausted: A line is longer than *longest*.
    """
    rest = bytearray()
    try:
        async for piece in pieces:
            first, *others = piece.split(b"\n")  # only what is new is searched, or many small pieces cost their square
            rest += first
            for other in others:
                if len(rest) > longest:
                    raise TooLarge(f"an item is larger than {longest} bytes")
                if rest.strip():
                    yield bytes(rest)
                rest = bytearray(other)
            if len(rest) > longest:
                raise TooLarge(f"an item is larger than {longest} bytes")
    except (RequestFault, ClientGone) as fault:
        raise from_engine(fault) from None
    if rest.strip():
        yield bytes(rest)
