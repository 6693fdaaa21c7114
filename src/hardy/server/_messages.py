"""What a handler is given and what it answers with.

Nothing here knows which version of HTTP carried it: a request talks to its
client through an `Exchange`, which each version implements.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from hardy.core import ClientCertificate
from hardy.server._errors import BodyTooLarge
from hardy.server._fields import Field


class ResponseStream(Protocol):
    """A reply that is sent piece by piece.

    A piece is taken as a whole before `write` waits, so those of several tasks do not mix. Pieces
    written within one turn of the event loop may go out together; none waits for another one to come.
    """

    async def write(self, data: bytes) -> None:
        """Send *data*, waiting while the client has not read what came before, and while others have their turn.

        Raises:
            ClientGone: Nobody reads any more.
            ValueError: More bytes than the ``content-length`` that was announced.
        """
        ...

    async def end(self) -> None:
        """Finish the reply.

        Raises:
            ClientGone: Nobody reads any more.
            ValueError: Fewer bytes than the ``content-length`` that was announced.
        """
        ...

    def abort(self) -> None:
        """Break the reply off so that the client can tell that it is not whole."""
        ...


class Tunnel(Protocol):
    """The raw connection after a protocol switch. Reader and writers may be different tasks."""

    async def read(self) -> bytes:
        """Return what has arrived, waiting for it; ``b""`` once the client has closed."""
        ...

    async def write(self, data: bytes) -> None:
        """Send *data*, waiting while the client has not read what came before.

        Raises:
            ClientGone: Nobody reads any more.
        """
        ...

    def close(self) -> None:
        """Close the connection once everything written is sent."""
        ...


class Exchange(Protocol):
    """The engine's side of one request; handlers use `Request` instead."""

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that the handler runs in, where the engine made it."""
        ...

    @property
    def server(self) -> str:
        """Where the client is connected to; see `Request`."""
        ...

    async def receive(self, request: "Request") -> bytes:
        """Return the next piece of the body, ``b""`` after the last."""
        ...

    async def start(self, request: "Request", status: int, headers: Sequence[Field]) -> ResponseStream:
        """Send the head of a reply."""
        ...

    async def upgrade(self, request: "Request", headers: Sequence[Field]) -> Tunnel:
        """Switch protocols."""
        ...


class Request(Struct, eq=False):
    """One request, its head complete and checked. It lives until it is answered.

    Attributes:
        method: Upper-case as sent: ``"GET"``. Any token; unknown ones too.
        target: As sent; visible ASCII only.
        path: Of the target, still percent-encoded, beginning with ``/`` (or ``*``).
        query: What follows ``?`` in the target, still percent-encoded.
        headers: Lower-case names and values without surrounding blanks, in order.
        fields: The value of each header: the first where it is given more than
            once, all of them with commas between where that means the same
            (``accept``, ``if-match`` ...).
        version: ``"1.1"`` or ``"1.0"``.
        scheme: ``"http"`` or ``"https"``, of this connection.
        peer: Who is connected: ``host:port``, or ``unix``.
        exchange: The engine's side; not for handlers.
        certificate: What the client has proved by TLS, where it was asked to.
        content_length: Bytes of the body; -1 when only its end will tell.
        expects_continue: The client waits for a word before it sends the body;
            the first `read` says it.
        keep_alive: Set it to False to close the connection after the reply.
        max_body: Bytes the body may have; change it before reading.
        body: The whole body if it is here already, else None: `read` it.
        waiting: Somebody waits for more of the body, or did so when it was cancelled.
        on_gone: Called once when the client closes or resets the connection
            before it is answered.
    """

    method: str
    target: str
    path: str
    query: str
    headers: Sequence[Field]
    fields: dict[bytes, bytes]
    version: str
    scheme: str
    peer: str
    exchange: Exchange
    max_body: int
    certificate: ClientCertificate | None = None
    content_length: int = 0
    expects_continue: bool = False
    keep_alive: bool = True
    body: bytes | None = None
    waiting: bool = False
    on_gone: Callable[[], None] | None = None

    if TYPE_CHECKING:

        def __copy__(self) -> "Request": ...  # every Struct has it

    @property
    def server(self) -> str:
        """Where the client is connected to: ``host:port``, or the socket's path."""
        return self.exchange.server

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of the header *name* (lower-case), or None."""
        return self.fields.get(name)

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            BodyTooLarge: It is longer than ``max_body``.
            BodyMalformed: Its framing is broken.
            BodyTimeout: It comes too slowly.
            ClientGone: The client left before its end.
        """
        if self.body is None:
            whole = bytearray()
            async for piece in self.chunks():
                whole += piece
            self.body = bytes(whole)
        elif len(self.body) > self.max_body:
            raise BodyTooLarge(self.max_body)
        return self.body

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; the client waits while nobody asks for more.

        Trailers are ignored. Raises as `read` does.
        """
        if (self.content_length if self.body is None else len(self.body)) > self.max_body:
            raise BodyTooLarge(self.max_body)
        if self.body is not None:
            if self.body:
                yield self.body
            return
        total = 0
        while True:
            self.waiting = True
            piece = await self.exchange.receive(self)
            self.waiting = False
            if not piece:
                break
            total += len(piece)
            if total > self.max_body:
                raise BodyTooLarge(self.max_body)
            yield piece

    async def start(self, status: int, headers: Sequence[Field] = ()) -> ResponseStream:
        """Send the head of a reply whose body follows piece by piece.

        Give ``content-length`` if it is known; otherwise the end of the body is
        marked as the version of HTTP demands.

        Raises:
            ClientGone: Nobody reads any more.
            ValueError: A header cannot be sent (see `prepare`).
            RuntimeError: The request was answered before.
        """
        return await self.exchange.start(self, status, headers)

    async def upgrade(self, headers: Sequence[Field] = ()) -> Tunnel:
        """Answer 101 and take the connection over, for WebSocket.

        Args:
            headers: With ``upgrade`` among them; the engine adds ``connection``.

        Raises:
            ClientGone: Nobody reads any more.
            ValueError: A header cannot be sent, or the client did not ask for it.
            RuntimeError: The request was answered before.
        """
        return await self.exchange.upgrade(self, headers)


class Response(Struct, eq=False):
    """A reply that is whole.

    The engine adds ``date``, ``content-length`` and ``connection``, and sends
    no body where there is none (HEAD, 204, 304).

    Attributes:
        status: 200 to 599.
        headers: Lower-case names; use `prepare` for those that are always the same.
        body: All of it.
        extra: Further headers, so that *headers* can stay prepared.
    """

    status: int
    headers: Sequence[Field] = ()
    body: bytes = b""
    extra: Sequence[Field] = ()


Handle = Callable[[Request], Coroutine[object, object, Response | None]]
"""Answers a request: with a `Response`, or None after it streamed or upgraded. It runs in a task of its own."""

RenderError = Callable[[int, str], Response]
"""Makes the reply for an error of the engine's own from status and detail."""

RenderShed = Callable[[Request], Response]
"""Makes the reply for a request that is refused because of overload."""


class Load(Protocol):
    """Whether there is more to do than can be done."""

    def admits(self) -> bool:
        """Whether one more request may be handed over; asked once for each."""
        ...

    def gave_way(self, seconds: float) -> None:
        """Learn that a streamed reply has had *seconds* of the CPU and lets others have theirs before it goes on."""
        ...


class AnyLoad:
    """The load of a server that was not told of any."""

    def admits(self) -> bool:
        """Let everything in."""
        return True

    def gave_way(self, seconds: float) -> None:
        """Do nothing."""
