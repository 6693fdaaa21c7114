"""Streams both ways: one JSON item a message over WebSocket."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from hardy.core import BuildFailed, Cancelled, Diagnostic, Exposed, InvalidMessage, Malformed, PermissionDenied
from hardy.schema import Codec, JsonCase, codec
from hardy.server import ClientGone, Request, Response
from hardy.transport.http._answers import Answers
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._call import HttpCall
from hardy.transport.http._endpoint import Endpoint
from hardy.transport.http._socket import MISSING_EXTRA, Socket, WebsocketVersion, socket_of
from hardy.transport.http._status import TooLarge
from hardy.transport.http._stream import last_frame

_KEPT = 16
"""Messages read ahead of the use case; then the client waits."""
_OK, _TOO_BIG, _FAILED = 1000, 1009, 1011


class BidiCall(HttpCall["BidiEndpoint"]):
    """A call over a WebSocket; the handshake ends when the use case first reads or writes.

    An error before that is an HTTP answer with its true status.
    """

    __slots__ = ("finished", "lock", "opened", "queue", "reader", "socket")

    def __init__(self, endpoint: "BidiEndpoint", request: Request, segments: Sequence[str]) -> None:
        super().__init__(endpoint, request, segments)
        self.socket: Socket | None = None
        self.opened = False
        self.finished = False
        self.lock = asyncio.Lock()
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(_KEPT)
        self.reader: asyncio.Task[None] | None = None

    async def receive(self) -> object:
        """Check the handshake and return the iterator over the client's items."""
        endpoint = self.endpoint
        self.socket = socket_of(self.request, endpoint.bounds.message)
        _check_origin(self.request, endpoint.origins)
        return self._items(endpoint.item)

    async def open(self) -> Socket:
        """Accept the WebSocket, once, and begin to read it."""
        socket = self.socket
        assert socket is not None
        async with self.lock:
            if not self.opened:
                try:
                    await socket.accept([(b"x-request-id", self.id.encode())])
                except ClientGone:
                    raise Cancelled("the client is gone") from None
                self.opened = True
                self.reader = asyncio.get_running_loop().create_task(self._read(socket))
        return socket

    async def _items(self, item: Codec[object]) -> AsyncGenerator[object]:
        await self.open()
        number = 0
        while (text := await self.queue.get()) is not None:
            try:
                yield item.decode(text.encode())
            except (InvalidMessage, Malformed) as error:
                error.details = {**error.details, "item": number}
                raise
            number += 1

    async def _read(self, socket: Socket) -> None:
        """Take messages in, answer pings, and notice that the client is gone."""
        ended = False
        try:
            while (message := await socket.receive()) is not None:
                if isinstance(message, bytes):
                    self.cancel(Malformed("items are text messages, not binary ones"))
                    return
                if not ended:
                    ended = not message  # an empty message ends the client's stream
                    await self.queue.put(message or None)
        except TooLarge as error:
            self.cancel(error)
            return
        except ClientGone:
            pass
        if not self.finished:
            self.gone()

    def encode(self, reply: object) -> None:
        """Do nothing: a stream has no reply beside its items."""

    async def send(self, item: object) -> None:
        """Send one item as a text message."""
        socket = await self.open()
        try:
            await socket.send(self.endpoint.encode(item).decode())
        except ClientGone:
            raise Cancelled("the client is gone") from None

    async def finish(self, code: int = _OK, last: bytes = b"") -> None:
        """Close, after a *last* message."""
        self.finished = True
        socket = await self.open()
        if self.reader is not None:
            self.reader.cancel()
            with suppress(asyncio.CancelledError):
                await self.reader
        with suppress(ClientGone):
            if last:
                await socket.send(last.decode())
            await socket.close(code)


class BidiEndpoint(Endpoint):
    """A stream of messages in, a stream of replies out.

    Raises:
        BuildFailed: wsproto is not installed (H0636).
    """

    def __init__(
        self, exposed: Exposed, answers: Answers, json_case: JsonCase, *, bounds: Bounds, origins: frozenset[str]
    ) -> None:
        super().__init__(exposed, answers, json_case, bounds=bounds)
        if find_spec("wsproto") is None:
            raise BuildFailed([_no_wsproto(exposed)])
        import_module("wsproto.connection")  # now: while it serves, everybody would wait for the first WebSocket
        self.origins = origins
        self.item: Codec[object] = codec(exposed.operation.message, json_case=json_case)

    async def answer(self, request: Request, segments: Sequence[str]) -> Response | None:
        """Run the operation over the WebSocket that *request* asks for."""
        call = BidiCall(self, request, segments)
        if self.cancels:
            request.on_gone = call.gone
        try:
            await call.run(self.handler)
        except Exception as error:  # what is no Error is a defect: INTERNAL, and logged
            known = self.known(call, error)
            status = self.status_of(call, known)
            if not call.opened:
                refusal = self.answers.error(known, call.id, status=status, beside=call.beside())
                if isinstance(known, WebsocketVersion):  # RFC 6455 section 4.4
                    refusal.extra = ((b"sec-websocket-version", b"13"),)
                return refusal
            last = last_frame("", self.answers.body_of(known, call.id, status=status)).rstrip()
            await call.finish(_TOO_BIG if isinstance(known, TooLarge) else _FAILED, last)
            return None
        finally:
            if call.reader is not None:
                call.reader.cancel()
        await call.finish()
        return None


def _check_origin(request: Request, allowed: frozenset[str]) -> None:
    """Refuse pages of other sites: browsers send cookies to a WebSocket without asking anybody."""
    origin = request.fields.get(b"origin")
    if origin is None:
        return
    text = origin.decode("latin-1").lower()
    host = request.fields.get(b"host", b"").decode("latin-1").lower()
    if text not in allowed and (urlsplit(text).netloc != host or not host):
        raise PermissionDenied("pages of this origin may not open a WebSocket here", origin=text)


def _no_wsproto(exposed: Exposed) -> Diagnostic:
    return Diagnostic(
        code="H0636",
        title=f"`{exposed.operation.name}` streams both ways, and wsproto is not installed",
        place=exposed.operation.place,
        notes=(MISSING_EXTRA,),
        helps=("pip install 'hardy[websocket]'",),
    )
