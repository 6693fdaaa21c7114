"""WebSocket connections (RFC 6455): over the engine's tunnel with wsproto, or over a host's."""

import asyncio
import base64
import binascii
import hashlib
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from hardy.core import InvalidArgument
from hardy.server import ClientGone, Request, Tunnel
from hardy.transport.http._status import TooLarge

if TYPE_CHECKING:
    from wsproto.connection import Connection
    from wsproto.events import Event

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FAREWELL = 2.0
_MOST_FRAMES = 1000
_AT_ONCE = 64
_SMALL_FRAME = 64
"""A message may be in a thousand frames, and in more where they have 64 bytes on average: none is for nothing."""
MISSING_EXTRA = "hardy.transport.http needs wsproto for WebSocket. Install it with: pip install 'hardy[websocket]'"


class WebsocketRequired(InvalidArgument):
    """The path speaks WebSocket and the request does not."""


class WebsocketVersion(WebsocketRequired):
    """The request asks for a WebSocket of a version that is not spoken here."""


class Socket(Protocol):
    """One WebSocket connection, before and after it is accepted."""

    async def accept(self, headers: Sequence[tuple[bytes, bytes]] = (), subprotocol: str | None = None) -> None:
        """Finish the handshake."""
        ...

    async def receive(self) -> str | bytes | None:
        """Return the next message; ``None`` once the client has closed or left."""
        ...

    async def send(self, data: str | bytes) -> None:
        """Send one message, waiting while the client does not read."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say farewell and close."""
        ...

    @property
    def closed(self) -> tuple[int, str]:
        """The code and reason the client closed with; 1006 when it just left."""
        ...


@runtime_checkable
class SocketExchange(Protocol):
    """The exchange of a host that speaks WebSocket itself."""

    @property
    def socket(self) -> Socket:
        """The host's connection."""
        ...


def is_websocket(request: Request) -> bool:
    """Whether *request* asks for a WebSocket."""
    if isinstance(request.exchange, SocketExchange):
        return True
    fields = request.fields
    if request.method != "GET" or request.version == "1.0":  # RFC 9110 section 7.8: there no upgrade is heard
        return False
    if fields.get(b"upgrade", b"").lower() != b"websocket":
        return False
    options = fields.get(b"connection", b"").lower().split(b",")
    return any(option.strip() == b"upgrade" for option in options) and not request.content_length


def socket_of(request: Request, longest: int) -> Socket:
    """Return the WebSocket that *request* asks for, not accepted yet.

    Raises:
        WebsocketRequired: It asks for none, or in a way nobody understands.
    """
    if isinstance(request.exchange, SocketExchange):
        return request.exchange.socket
    if not is_websocket(request):
        raise WebsocketRequired("this path speaks WebSocket")
    if request.fields.get(b"sec-websocket-version") != b"13":
        raise WebsocketVersion("the WebSocket version must be 13")
    try:
        key = base64.b64decode(request.fields.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 16:
        raise WebsocketRequired("Sec-WebSocket-Key must be 16 bytes in base64")
    return EngineSocket(request, longest)


class EngineSocket:
    """A WebSocket over the engine's own connection."""

    def __init__(self, request: Request, longest: int) -> None:
        self._request = request
        self._longest = longest
        self._tunnel: Tunnel | None = None
        self._protocol: Connection | None = None
        self._events: deque[Event] = deque()
        self._parts: list[str | bytes] = []
        self._size = 0
        self._frames = 0
        self._ended = False
        self.closed = (1006, "")

    async def accept(self, headers: Sequence[tuple[bytes, bytes]] = (), subprotocol: str | None = None) -> None:
        """Answer 101."""
        from wsproto.connection import Connection, ConnectionType

        key = self._request.fields[b"sec-websocket-key"]
        digest = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        head = [(b"upgrade", b"websocket"), (b"sec-websocket-accept", digest), *headers]
        if subprotocol is not None:
            head.append((b"sec-websocket-protocol", subprotocol.encode()))
        self._tunnel = await self._request.upgrade(head)
        self._protocol = Connection(ConnectionType.SERVER)

    async def receive(self) -> str | bytes | None:
        """Return the next message, answering pings meanwhile.

        Raises:
            ResourceExhausted: The message is longer than the limit.
        """
        from wsproto.utilities import RemoteProtocolError

        while not self._ended:
            while self._events:
                if not len(self._events) % _AT_ONCE:
                    await asyncio.sleep(0)  # one packet may hold thousands of pings
                message = await self._take(self._events.popleft())
                if message is not None:
                    return message
            if self._ended or not await self._feed(RemoteProtocolError):
                break
        return None

    async def _feed(self, broken: type[Exception]) -> bool:
        assert self._tunnel is not None
        assert self._protocol is not None
        data = await self._tunnel.read()
        if not data:
            self._ended = True
            return False
        try:
            self._protocol.receive_data(data)
            self._events.extend(self._protocol.events())
        except broken as error:
            hint = getattr(error, "event_hint", None)
            self._ended = True
            self.closed = (getattr(hint, "code", None) or 1002, str(error))
            with suppress(ClientGone):
                await self._say(_farewell(self.closed[0]))
            return False
        return True

    async def _take(self, event: "Event") -> str | bytes | None:
        from wsproto.events import CloseConnection, Message, Ping

        assert self._tunnel is not None
        assert self._protocol is not None
        if isinstance(event, Message):
            data = cast("object", event.data)  # wsproto does not say of what
            return self._join(
                data if isinstance(data, str) else bytes(cast("bytes", data)), finished=event.message_finished
            )
        if isinstance(event, Ping):
            await self._say(event.response())
        elif isinstance(event, CloseConnection):
            self.closed = (event.code, event.reason or "")
            self._ended = True
            with suppress(ClientGone):
                await self._say(event.response())
            self._tunnel.close()
        return None

    def _join(self, part: str | bytes, *, finished: bool) -> str | bytes | None:
        self._size += len(part)
        self._frames += 1
        if self._size > self._longest:
            raise TooLarge(f"a message is larger than {self._longest} bytes")
        if self._frames > _MOST_FRAMES + self._size // _SMALL_FRAME:
            raise TooLarge("a message is in too many frames")
        if part or not self._parts:
            self._parts.append(part)
        if not finished:
            return None
        parts, self._parts, self._size, self._frames = self._parts, [], 0, 0
        if isinstance(part, str):
            return "".join(each for each in parts if isinstance(each, str))
        return b"".join(each for each in parts if isinstance(each, bytes))

    async def send(self, data: str | bytes) -> None:
        """Send one message.

        Raises:
            ClientGone: Nobody reads any more.
        """
        from wsproto.events import BytesMessage, TextMessage
        from wsproto.utilities import LocalProtocolError

        assert self._tunnel is not None
        assert self._protocol is not None
        if self._ended:
            raise ClientGone("the client has closed the WebSocket")
        event = TextMessage(data=data) if isinstance(data, str) else BytesMessage(data=data)
        try:
            frame = self._protocol.send(event)
        except LocalProtocolError:  # its farewell is here, behind messages that nobody has taken yet
            raise ClientGone("the client has closed the WebSocket") from None
        await self._tunnel.write(frame)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say farewell, wait for the client's for two seconds, and close."""
        if self._tunnel is None or self._ended:
            return
        with suppress(ClientGone):
            await self._say(_farewell(code, reason))
            with suppress(TimeoutError, TooLarge):
                async with asyncio.timeout(_FAREWELL):
                    while await self.receive() is not None:
                        pass
        self._tunnel.close()

    async def _say(self, event: "Event") -> None:
        """Send a control frame, unless the closing handshake is past it."""
        from wsproto.utilities import LocalProtocolError

        assert self._tunnel is not None
        assert self._protocol is not None
        with suppress(LocalProtocolError):
            await self._tunnel.write(self._protocol.send(event))


def _farewell(code: int, reason: str = "") -> "Event":
    from wsproto.events import CloseConnection

    return CloseConnection(code=code, reason=reason[:100])
