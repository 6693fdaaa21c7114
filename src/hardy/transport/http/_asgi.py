"""The same service as an ASGI 3 application, for uvicorn, granian or hypercorn.

The host then owns what hardy's own engine does otherwise: limits of head and
connections, slow clients, signals, drain. Bodies stay limited here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import cast

from hardy.server import (
    ClientGone,
    Handle,
    RenderError,
    Request,
    RequestFault,
    Response,
    ResponseStream,
    Tunnel,
    problem,
)
from hardy.transport.http._mount import Receive, Send

Header = tuple[bytes, bytes]
Step = Callable[[], Awaitable[object]]


async def _nothing() -> None:
    """Do nothing."""


class Asgi:
    """An ASGI 3 application that answers by *handle*.

    Args:
        handle: `Transport.handle`.
        refuse: Renders what fails outside of a call: `Transport.refuse`.
        start: Run when the host starts; a failure is told to the host.
        stop: Run when the host stops.
        max_body: Bytes of one request body; beyond it 413.

    Example:
        >>> async def handle(request: Request) -> Response:
        ...     return Response(200, (), b"hello")
        >>> app = Asgi(handle)
    """

    def __init__(
        self,
        handle: Handle,
        *,
        refuse: RenderError = problem,
        start: Step = _nothing,
        stop: Step = _nothing,
        max_body: int = 1024 * 1024,
    ) -> None:
        self._handle = handle
        self._refuse = refuse
        self._start = start
        self._stop = stop
        self._max_body = max_body

    async def __call__(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        """Serve one connection scope of the host."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:  # the host is told, and ends
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await self._stop()
        except Exception as error:  # as above
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        exchange = _HttpExchange(scope, receive, send)
        request = _request(scope, exchange, self._max_body)
        try:
            response = await self._answer(request, exchange)
        finally:
            exchange.stop_watching()
        if exchange.aborted:
            raise RuntimeError("a reply was broken off")  # makes the host cut the connection
        if response is not None:
            with suppress(OSError):  # the client is gone
                await exchange.respond(request, response)

    async def _answer(self, request: Request, exchange: "_HttpExchange") -> Response | None:
        if request.content_length == 0:
            request.body = b""
            exchange.watch(request)
        try:
            return await self._handle(request)
        except RequestFault as fault:
            return self._refuse(fault.status, fault.detail)
        except ClientGone:
            return None
        except Exception:
            if not exchange.started:
                await exchange.respond(request, self._refuse(500, "internal error"))
            raise

    async def _websocket(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        exchange = _SocketExchange(scope, receive, send)
        request = _request(scope, exchange, self._max_body)
        request.body = b""
        response = await self._handle(request)
        if response is None:
            return
        if "websocket.http.response" in cast("Mapping[str, object]", scope.get("extensions") or {}):
            headers = [*response.headers, *response.extra]
            await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": response.body})
        else:
            await send({"type": "websocket.close", "code": 1008})


def _request(scope: Mapping[str, object], exchange: "_HttpExchange | _SocketExchange", max_body: int) -> Request:
    headers = [(bytes(name), bytes(value)) for name, value in cast("Sequence[Header]", scope["headers"])]
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields.setdefault(name, value)
    path, query = _path(scope), cast("bytes", scope.get("query_string", b"")).decode("latin-1")
    length = fields.get(b"content-length", b"-1" if b"transfer-encoding" in fields else b"0")
    scheme = str(scope.get("scheme", "http"))
    return Request(
        method=str(scope.get("method", "GET")),
        target=f"{path}?{query}" if query else path,
        path=path,
        query=query,
        headers=headers,
        fields=fields,
        version=str(scope.get("http_version", "1.1")),
        scheme={"ws": "http", "wss": "https"}.get(scheme, scheme),
        peer=_address(scope.get("client")),
        exchange=exchange,
        max_body=max_body,
        content_length=int(length) if length.isdigit() else -1,
    )


def _path(scope: Mapping[str, object]) -> str:
    from urllib.parse import quote

    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if isinstance(raw, bytes) else quote(str(scope["path"]))
    root = str(scope.get("root_path") or "").rstrip("/")
    return (path[len(root) :] or "/") if root and path.startswith(root + "/") else path or "/"


def _address(pair: object) -> str:
    if not isinstance(pair, tuple | list):
        return ""
    host, port = cast("Sequence[object]", pair)
    return str(host) if port is None else f"{host}:{port}"


class _HttpExchange:
    """The host's side of one request."""

    task: asyncio.Task[None] | None = None

    def __init__(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        self.server = _address(scope.get("server"))
        self._receive = receive
        self.send = send
        self.started = False
        self.aborted = False
        self._ended = False
        self._watcher: asyncio.Task[None] | None = None

    async def receive(self, request: Request) -> bytes:
        """Return the next piece of the body, ``b""`` after the last."""
        while not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("the client left before the end of its body")
            if not message.get("more_body", False):
                self._ended = True
                self.watch(request)
            if piece := bytes(cast("bytes", message.get("body", b""))):
                return piece
        return b""

    def watch(self, request: Request) -> None:
        """Notice from now on when the client leaves."""
        self._watcher = asyncio.get_running_loop().create_task(self._watch(request))

    async def _watch(self, request: Request) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if request.on_gone is not None:
            request.on_gone()

    def stop_watching(self) -> None:
        """Forget about the client."""
        if self._watcher is not None:
            self._watcher.cancel()

    async def start(self, request: Request, status: int, headers: Sequence[Header]) -> ResponseStream:
        """Send the head of a reply."""
        self.started = True
        await _sending(self.send({"type": "http.response.start", "status": status, "headers": list(headers)}))
        return _Stream(self, bodiless=request.method == "HEAD")

    async def upgrade(self, request: Request, headers: Sequence[Header]) -> Tunnel:
        """Refuse: an ASGI host gives no raw connection away."""
        raise RuntimeError("an ASGI host does not hand out its connection")

    async def respond(self, request: Request, response: Response) -> None:
        """Send a whole response."""
        headers = [*response.headers, *response.extra]
        if response.status not in {204, 304} and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % len(response.body)))
        bodiless = request.method == "HEAD" or response.status in {204, 304}
        await self.send({"type": "http.response.start", "status": response.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if bodiless else response.body})


class _Stream:
    """A reply that goes through the host piece by piece."""

    def __init__(self, exchange: _HttpExchange, *, bodiless: bool) -> None:
        self._exchange = exchange
        self._bodiless = bodiless

    async def write(self, data: bytes) -> None:
        """Send *data*."""
        if not self._bodiless:
            await _sending(self._exchange.send({"type": "http.response.body", "body": data, "more_body": True}))

    async def end(self) -> None:
        """Finish the reply."""
        await _sending(self._exchange.send({"type": "http.response.body", "body": b"", "more_body": False}))

    def abort(self) -> None:
        """Break the reply off."""
        self._exchange.aborted = True


async def _sending(sent: Awaitable[None]) -> None:
    try:
        await sent
    except OSError:  # what hosts raise once nobody reads, says the ASGI specification
        raise ClientGone("the client is gone") from None


class _SocketExchange:
    """The host's side of one WebSocket."""

    task: asyncio.Task[None] | None = None

    def __init__(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        self.server = _address(scope.get("server"))
        self.socket = _Socket(receive, send)
        self._send = send

    async def receive(self, request: Request) -> bytes:
        """Return the end: a handshake has no body."""
        return b""

    async def start(self, request: Request, status: int, headers: Sequence[Header]) -> ResponseStream:
        """Refuse the handshake, which is all that may be started here."""
        await self._send({"type": "websocket.close", "code": 1008})
        return _Nowhere()

    async def upgrade(self, request: Request, headers: Sequence[Header]) -> Tunnel:
        """Refuse: an ASGI host gives no raw connection away."""
        raise RuntimeError("an ASGI host does not hand out its connection")


class _Nowhere:
    """What is written after a handshake was refused."""

    async def write(self, data: bytes) -> None:
        """Drop *data*."""

    async def end(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""


class _Socket:
    """A WebSocket that the host speaks."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = False
        self.closed = (1006, "")

    async def accept(self, headers: Sequence[Header] = (), subprotocol: str | None = None) -> None:
        """Finish the handshake."""
        await _sending(self._send({"type": "websocket.accept", "headers": list(headers), "subprotocol": subprotocol}))

    async def receive(self) -> str | bytes | None:
        """Return the next message; ``None`` once the client has closed."""
        if self._ended:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._ended = True
            self.closed = (cast("int", message.get("code") or 1006), str(message.get("reason") or ""))
            return None
        text = message.get("text")
        return text if isinstance(text, str) else bytes(cast("bytes", message.get("bytes") or b""))

    async def send(self, data: str | bytes) -> None:
        """Send one message."""
        await _sending(self._send({"type": "websocket.send", "text" if isinstance(data, str) else "bytes": data}))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close."""
        if not self._ended:
            self._ended = True
            with suppress(ClientGone, RuntimeError):  # the client was faster
                await _sending(self._send({"type": "websocket.close", "code": code, "reason": reason}))
