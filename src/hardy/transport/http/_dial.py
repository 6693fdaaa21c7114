"""The client's side of a WebSocket, over asyncio's streams with wsproto."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from hardy.core import Unavailable
from hardy.transport.http._socket import MISSING_EXTRA

if TYPE_CHECKING:
    from wsproto import WSConnection
    from wsproto.events import Event

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Rejected:
    """The HTTP answer to a handshake that the service refused."""

    status: int
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return self.headers.get(name)


async def connect(url: str) -> tuple[SplitResult, asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to *url* (``http`` or ``https``).

    Raises:
        Unavailable: Nobody is there.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if secure else 80), ssl=ssl.create_default_context() if secure else None
        )
    except OSError as error:
        raise Unavailable(f"the service at {parts.netloc} cannot be reached: {error}") from error
    return parts, reader, writer


async def dial(url: str, headers: Sequence[tuple[str, str]]) -> "Dialled | Rejected":
    """Open a WebSocket to *url* (``http`` or ``https``).

    Raises:
        Unavailable: Nobody is there, or nobody that speaks HTTP.
        ModuleNotFoundError: wsproto is not installed.
    """
    try:
        from wsproto import ConnectionType, WSConnection
        from wsproto.events import Request
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING_EXTRA, name="wsproto") from error
    parts, reader, writer = await connect(url)
    socket = Dialled(reader, writer, WSConnection(ConnectionType.CLIENT))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    extra = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    try:
        await socket.write(Request(host=parts.netloc, target=target, extra_headers=extra))
        return await socket.shake_hands()
    except BaseException:
        writer.close()
        raise


class Dialled:
    """An open WebSocket to a service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: "WSConnection") -> None:
        self._reader = reader
        self._writer = writer
        self._connection = connection
        self._parts: list[str] = []
        self._events: list[Event] = []
        self._closed = False

    async def write(self, event: "Event") -> None:
        """Send an event of the protocol."""
        from wsproto.utilities import LocalProtocolError

        with suppress(LocalProtocolError, ConnectionError):  # closing already: `receive` tells how it ended
            self._writer.write(self._connection.send(event))
            await self._writer.drain()

    async def _next(self) -> "Event | None":
        while not self._events:
            try:
                data = await self._reader.read(_PIECE)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._connection.receive_data(data)
            self._events += self._connection.events()
        return self._events.pop(0)

    async def shake_hands(self) -> "Dialled | Rejected":
        """Return itself once the service has accepted, or how it refused."""
        from wsproto.events import AcceptConnection, RejectConnection, RejectData
        from wsproto.utilities import RemoteProtocolError

        status, headers, body = 0, dict[str, str](), b""
        try:
            while (event := await self._next()) is not None:
                if isinstance(event, AcceptConnection):
                    return self
                if isinstance(event, RejectConnection):
                    pairs = event.headers
                    status = event.status_code
                    headers = {name.decode().lower(): value.decode("latin-1") for name, value in pairs}
                elif isinstance(event, RejectData):
                    body += bytes(event.data)
                    if event.body_finished:
                        break
        except RemoteProtocolError as error:
            raise Unavailable(f"the service does not speak WebSocket: {error}") from error
        self._writer.close()
        if not status:
            raise Unavailable("the service closed the connection")
        return Rejected(status, headers, body)

    async def send(self, text: str) -> None:
        """Send one message."""
        from wsproto.events import TextMessage

        await self.write(TextMessage(data=text))

    async def receive(self) -> str | None:
        """Return the next message; ``None`` once the service has closed.

        Raises:
            Unavailable: The connection broke off.
        """
        from wsproto.events import CloseConnection, Ping, TextMessage

        while (event := await self._next()) is not None:
            if isinstance(event, TextMessage):
                self._parts.append(event.data)
                if event.message_finished:
                    text, self._parts = "".join(self._parts), []
                    return text
            elif isinstance(event, Ping):
                await self.write(event.response())
            elif isinstance(event, CloseConnection):
                self._closed = True
                await self.write(event.response())
                return None
        self._closed = True
        raise Unavailable("the connection broke off")

    async def close(self) -> None:
        """Say farewell and hang up."""
        from wsproto.events import CloseConnection

        if not self._closed:
            self._closed = True
            await self.write(CloseConnection(code=1000))
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
