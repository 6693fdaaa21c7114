"""Load over HTTP/1.1, one connection a client, that notices every way in which a request can be lost."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from hardy.tools.cli._drain_tally import Tally, Watch
from hardy.transport import http

PAUSE = 0.01
"""Seconds between two requests of a client: the load is to be noticed, not to be a load test."""
PATIENCE = 60.0
"""Seconds for an answer. A stream may be silent for as long as it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """What is asked, and where."""

    name: str
    host: str
    port: int
    request: http.Outgoing
    headers: tuple[tuple[str, str], ...] = ()

    def render(self, id_: str, accept: str) -> bytes:
        """Return the bytes of one request."""
        body = self.request.body or b""
        lines = [f"{self.request.method} {self.request.target} HTTP/1.1", f"host: {self.host}:{self.port}"]
        fields = [*self.request.headers, *self.headers, ("accept", accept), ("x-request-id", id_)]
        if body or self.request.method not in {"GET", "HEAD", "DELETE"}:
            fields.append(("content-length", str(len(body))))
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    closes: bool


class _Broken(Exception):
    """The answer did not come, or not to its end."""


async def keep_asking(target: HttpTarget, watch: Watch, *, keeps: bool) -> None:
    """Ask again and again until the service is gone or the load is over.

    Args:
        keeps: Whether a connection is used for as long as the service wants,
            or for one request.
    """
    while not watch.over:
        connection = await _connect(target, watch, watch.http)
        if connection is None:
            if not watch.is_promised:
                return
            await asyncio.sleep(PAUSE)
            continue
        reader, writer = connection
        try:
            await _use(target, watch, reader, writer, keeps=keeps)
        finally:
            writer.close()
        await asyncio.sleep(PAUSE)


async def _use(
    target: HttpTarget, watch: Watch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keeps: bool
) -> None:
    served = 0
    while not watch.over:
        if reader.at_eof():
            watch.http.cut += 1
            watch.note(f"{target.name}: a kept connection was closed without a word")
            return
        watch.http.sent += 1
        try:
            answer = await _ask(target, watch, reader, writer, patience=PATIENCE)
        except (_Broken, OSError) as error:
            watch.http.cut += served > 0
            kind = "kept" if served else "new"
            watch.lose(watch.http, target.name, f"sent on a {kind} connection and not answered ({error})")
            return
        served += 1
        _count(watch.http, target, watch, answer)
        if answer.closes or not keeps:
            return
        await asyncio.sleep(PAUSE)


def _count(tally: Tally, target: HttpTarget, watch: Watch, answer: _Answer) -> None:
    tally.outcomes[str(answer.status)] += 1
    if answer.status >= 500 and tally is watch.http:
        watch.lose(tally, target.name, f"answered {answer.status}")
    else:
        tally.answered += 1


async def keep_listening(target: HttpTarget, watch: Watch, accept: str) -> None:
    """Open a stream of replies again and again, and read each to its end.

    A stream that the service ends in the form of its protocol is answered,
    whatever it says; one that breaks off is lost.
    """
    while not watch.over:
        connection = await _connect(target, watch, watch.streams)
        if connection is None:
            if not watch.is_promised:
                return
            await asyncio.sleep(PAUSE)
            continue
        reader, writer = connection
        watch.streams.sent += 1
        try:
            _count(watch.streams, target, watch, await _ask(target, watch, reader, writer, accept=accept))
        except (_Broken, OSError) as error:
            watch.lose(watch.streams, target.name, f"a stream broke off ({error})")
        finally:
            writer.close()
        await asyncio.sleep(PAUSE * 5)


async def _connect(
    target: HttpTarget, watch: Watch, tally: Tally
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        return await asyncio.open_connection(target.host, target.port)
    except OSError:
        watch.refused(tally, target.name)
        return None


async def _ask(
    target: HttpTarget,
    watch: Watch,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    accept: str = "*/*",
    patience: float | None = None,
) -> _Answer:
    """Send one request and read the whole answer.

    Raises:
        _Broken: There was none.
        OSError: The connection was reset.
    """
    writer.write(target.render(watch.new_id(), accept))
    try:
        async with asyncio.timeout(patience):
            await writer.drain()
            return await _read(reader)
    except asyncio.IncompleteReadError as error:
        raise _Broken(f"{len(error.partial)} bytes and the end") from None
    except TimeoutError:
        raise _Broken(f"nothing within {patience:g} s") from None


async def _read(reader: asyncio.StreamReader) -> _Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    else:
        await reader.readexactly(int(fields.get("content-length", "0")))
    return _Answer(status, fields.get("connection", "").lower() == "close")


async def watch_ready(host: str, port: int, watch: Watch) -> float | None:
    """Ask the admin port until ready is red; return the seconds that took, or ``None`` when it never was."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while loop.time() - started < PATIENCE:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /readyz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
                if (await _read(reader)).status == 503:
                    return loop.time() - started
            finally:
                writer.close()
            await asyncio.sleep(PAUSE)
            continue
        return None
    return None
