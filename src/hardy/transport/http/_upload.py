"""The client's side of a stream to the service: sent while the answer is awaited, which may come before the end."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from hardy.core import Unavailable
from hardy.transport.http._dial import connect

_PIECE = 64 * 1024
_UNFIT = re.compile("[\x00\r\n]")


@dataclass(slots=True)
class Answer:
    """What the service answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return self.headers.get(name)


async def upload(
    method: str, url: str, headers: Sequence[tuple[str, str]], pieces: AsyncGenerator[bytes, None]
) -> Answer:
    """Send *pieces* as the body of a request, and return the answer as soon as it is there.

    A service refuses a stream at its first bad item, and then reads no further. A
    client that sends to the end before it looks for an answer gets a broken
    connection in its place (RFC 9112, section 9.3: look for it while sending).
    *pieces* is closed when nobody wants the rest.

    Raises:
        Unavailable: Nobody is there, or the connection broke off without an answer.
        ValueError: A header cannot be sent.
    """
    parts, reader, writer = await connect(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", "connection: close", "transfer-encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in headers]
    if any(map(_UNFIT.search, lines)):
        raise ValueError("a header holds a line break")
    writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
    loop = asyncio.get_running_loop()
    sender, receiver = loop.create_task(_send(writer, pieces)), loop.create_task(_Receiver().receive(reader))
    try:
        await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        if sender.done():
            sender.result()  # what the caller's own iterator has raised
        return await receiver
    finally:
        sender.cancel()
        receiver.cancel()
        await asyncio.gather(sender, receiver, return_exceptions=True)
        writer.close()


async def _send(writer: asyncio.StreamWriter, pieces: AsyncGenerator[bytes, None]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            try:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
            except ConnectionError:
                return  # the answer says why, when there is one
    writer.write(b"0\r\n\r\n")


class _Receiver:
    """Reads one answer; what it is called by is llhttp."""

    def __init__(self) -> None:
        self._answer = Answer()
        self._complete = False
        from httptools import HttpParserError, HttpResponseParser  # few services send streams

        self._malformed = HttpParserError
        self._parser = HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        if self._answer.status < 200:  # only that it goes on
            self._answer = Answer()
        else:
            self._complete = True

    async def receive(self, reader: asyncio.StreamReader) -> Answer:
        try:
            while not self._complete and (data := await reader.read(_PIECE)):
                self._parser.feed_data(data)
        except (ConnectionError, self._malformed) as error:
            if not self._complete:
                raise Unavailable(f"the answer broke off: {error}") from error
        if not self._complete:
            raise Unavailable("the service closed the connection without an answer")
        return self._answer
