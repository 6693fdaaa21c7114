"""Somebody's ASGI 3 application below a prefix: FastAPI, Django, Starlette."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, cast
from urllib.parse import unquote

from hardy.server import ClientGone, Request, RequestFault, Response, ResponseStream
from hardy.transport.http._socket import Socket, is_websocket, socket_of

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[..., Awaitable[None]]
"""``async def app(scope, receive, send)``, as the ASGI specification 3.0 has it."""

_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"te", b"trailer", b"upgrade")
)
_VERSION = {"version": "3.0", "spec_version": "2.4"}


class Mount:
    """A foreign ASGI application below *path*. A component: opening it runs the application's own start.

    Its calls do not go through hardy's chain: it brings its own error format
    and authentication. It has what the engine gives: limits, timers, drain.

    Args:
        path: The prefix, ``/legacy``; ``/`` for everything hardy has no route for.
        app: The application.

    Example:
        >>> async def app(scope, receive, send): ...
        >>> Mount("/legacy", app).covers("/legacy/users")
        True
    """

    def __init__(self, path: str, app: AsgiApp) -> None:
        if not path.startswith("/"):
            raise ValueError(f"the prefix of a mount begins with `/`, unlike {path!r}")
        self.path = path.rstrip("/")
        self._app = app
        self._state: dict[str, object] = {}
        self._lifespan: _Lifespan | None = None

    def __repr__(self) -> str:
        return f"Mount({self.path or '/'!r})"

    def covers(self, path: str) -> bool:
        """Whether a request for *path* is the application's."""
        return path == self.path or path.startswith(self.path + "/")

    async def __aenter__(self) -> Self:
        """Start the application.

        Raises:
            RuntimeError: It says that it cannot start.
        """
        self._lifespan = _Lifespan(self._app, self._state)
        await self._lifespan.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the application."""
        if self._lifespan is not None:
            lifespan, self._lifespan = self._lifespan, None
            await lifespan.stop()

    async def handle(self, request: Request) -> Response | None:
        """Let the application answer *request*."""
        if is_websocket(request):
            await _WebsocketRun(request).run(self._app, self._scope(request, "websocket"))
        else:
            await _HttpRun(request).run(self._app, self._scope(request, "http"))
        return None

    def _scope(self, request: Request, kind: str) -> dict[str, object]:
        scheme = request.scheme
        if kind == "websocket":
            scheme = "wss" if scheme == "https" else "ws"
        scope: dict[str, object] = {
            "type": kind,
            "asgi": _VERSION,
            "http_version": request.version,
            "scheme": scheme,
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "root_path": self.path,
            "query_string": request.query.encode(),
            "headers": list(request.headers),
            "client": _address(request.peer),
            "server": _address(request.server),
            "state": self._state.copy(),
            "extensions": {},
        }
        if kind == "http":
            scope["method"] = request.method
        else:
            offered = request.fields.get(b"sec-websocket-protocol", b"").decode("latin-1")
            scope["subprotocols"] = [each.strip() for each in offered.split(",") if each.strip()]
        return scope


def _address(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else (text.strip("[]"), None)


def _headers(message: Mapping[str, object]) -> list[tuple[bytes, bytes]]:
    pairs = cast("Sequence[tuple[bytes, bytes]]", message.get("headers", ()))
    return [(bytes(name).lower(), bytes(value)) for name, value in pairs if bytes(name).lower() not in _HOP_BY_HOP]


class _HttpRun:
    """One request that a foreign application answers."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._pieces = request.chunks()
        self._read = False
        self._gone = asyncio.Event()
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._out: ResponseStream | None = None
        self._done = False
        self._left = False
        self._fault: RequestFault | None = None
        request.on_gone = self._leave

    def _leave(self) -> None:
        self._left = True
        self._gone.set()

    async def run(self, app: AsgiApp, scope: dict[str, object]) -> None:
        try:
            await app(scope, self.receive, self.send)
        except BaseException as error:
            if self._out is not None and not self._done:
                self._out.abort()
            # Frameworks say in their own words that nobody reads any more.
            if not isinstance(error, Exception) or not self._left:
                raise
        if self._fault is not None and self._out is None:
            raise self._fault  # the engine answers it
        if not self._done and not self._left:
            if self._out is not None:
                self._out.abort()
            raise RuntimeError("the mounted application ended without a whole response")

    async def receive(self) -> Message:
        if self._read:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        try:
            piece = await anext(self._pieces, b"")
        except (ClientGone, RequestFault) as fault:
            self._leave()
            self._fault = fault if isinstance(fault, RequestFault) else None
            return {"type": "http.disconnect"}
        self._read = not piece
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(self, message: Message) -> None:
        if self._fault is not None:
            raise ClientGone("the request was refused")
        if message["type"] == "http.response.start":
            self._head = (cast("int", message["status"]), _headers(message))
            return
        if message["type"] != "http.response.body" or self._head is None or self._done:
            raise RuntimeError(f"the mounted application sent {message['type']} out of turn")
        body = bytes(cast("bytes", message.get("body", b"")))
        more = bool(message.get("more_body", False))
        if self._out is None:
            self._out = await self._start(len(body), more=more)
        try:
            if body and self._request.method != "HEAD":
                await self._out.write(body)
            if not more:
                self._done = True
                await self._out.end()
                self._gone.set()
        except ClientGone:
            self._leave()
            raise

    async def _start(self, length: int, *, more: bool) -> ResponseStream:
        assert self._head is not None
        status, headers = self._head
        if not more and not any(name == b"content-length" for name, _ in headers) and status not in {204, 304}:
            headers.append((b"content-length", b"%d" % length))
        return await self._request.start(status, headers)


class _WebsocketRun:
    """One WebSocket that a foreign application serves."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._socket: Socket = socket_of(request, 16 * 1024 * 1024)
        self._state = "new"

    async def run(self, app: AsgiApp, scope: dict[str, object]) -> None:
        try:
            await app(scope, self.receive, self.send)
        except ClientGone:
            return
        except BaseException:
            if self._state == "open":
                await self._socket.close(1011)
            raise
        if self._state == "open":
            await self._socket.close(1000)
        elif self._state != "closed":
            await self._refuse()

    async def receive(self) -> Message:
        if self._state == "new":
            self._state = "connecting"
            return {"type": "websocket.connect"}
        data = await self._socket.receive() if self._state == "open" else None
        if data is None:
            self._state = "closed"
            code, reason = self._socket.closed
            return {"type": "websocket.disconnect", "code": code, "reason": reason}
        if isinstance(data, str):
            return {"type": "websocket.receive", "text": data}
        return {"type": "websocket.receive", "bytes": data}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            subprotocol = message.get("subprotocol")
            await self._socket.accept(_headers(message), subprotocol if isinstance(subprotocol, str) else None)
            self._state = "open"
        elif kind == "websocket.send":
            text = message.get("text")
            await self._socket.send(text if isinstance(text, str) else bytes(cast("bytes", message["bytes"])))
        elif kind == "websocket.close":
            was, self._state = self._state, "closed"
            if was == "open":
                await self._socket.close(cast("int", message.get("code", 1000)), str(message.get("reason") or ""))
            else:
                await self._refuse()
        else:
            raise RuntimeError(f"the mounted application sent {kind}, which nobody knows here")

    async def _refuse(self) -> None:
        self._state = "closed"
        out = await self._request.start(403, [(b"content-length", b"0")])
        await out.end()


class _Lifespan:
    """Runs an application's own start and stop; an application without them is fine."""

    def __init__(self, app: AsgiApp, state: dict[str, object]) -> None:
        self._app = app
        self._scope = {"type": "lifespan", "asgi": _VERSION, "state": state}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.get_running_loop().create_task(self._run())
        answer = await self._said.get()
        if answer is None:  # the application does not speak the protocol: ASGI says to go on without
            self._task = None
        elif answer["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the mounted application did not start: {answer.get('message', '')}")

    async def stop(self) -> None:
        if self._task is None:
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        answer = await self._said.get()
        with suppress(asyncio.CancelledError):
            await self._task
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise RuntimeError(f"the mounted application did not stop cleanly: {answer.get('message', '')}")

    async def _run(self) -> None:
        # An application without a lifespan raises here, and that is how it says so.
        with suppress(Exception):
            await self._app(self._scope, self._inbox.get, self._said.put)
        self._said.put_nowait(None)
