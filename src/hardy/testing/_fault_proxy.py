"""A TCP proxy that misbehaves on demand: what stands between a service and its database on a bad day."""

import asyncio
import contextlib
import socket
import struct
from typing import Literal, Self
from urllib.parse import urlsplit

from hardy.testing._server import free_port

_Mode = Literal["up", "down", "slow", "reset", "half_open"]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultProxy:
    """Forwards TCP connections to *host*:*port* from a loopback port of its own, and breaks on command.

    It begins `up`; each verb holds until the next one:

    - `up`: forward. Connections that `half_open` froze go on.
    - `down`: every connection is reset, new ones are refused.
    - `slow`: every answer arrives that many seconds later.
    - `reset`: every connection is reset, new ones as soon as they are made.
    - `half_open`: connections are accepted and stay open; nothing passes.

    It runs on the event loop of the test and is used by one test at a time.

    Example:
        >>> import asyncio
        >>> async def main() -> str:
        ...     async with FaultProxy("127.0.0.1", 5432) as proxy:
        ...         await proxy.down()
        ...         return proxy.url_for("postgresql://me@db:5432/shop").replace(str(proxy.port), "PORT")
        >>> asyncio.run(main())
        'postgresql://me@127.0.0.1:PORT/shop'
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._target = host, port
        self._mode: _Mode = "up"
        self._delay = 0.0
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    @classmethod
    def to(cls, url: str) -> Self:
        """Return a proxy before the server of *url*, which names host and port."""
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"the proxy needs the host and the port of the server, {url!r} does not have both")
        return cls(parts.hostname, parts.port)

    def url_for(self, url: str) -> str:
        """Return *url* with the proxy's host and port in place of its own."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user[0]}{user[1]}{self.host}:{self.port}").geturl()

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._links)

    async def __aenter__(self) -> Self:
        for _ in range(20):
            self.port = free_port()
            with contextlib.suppress(OSError):
                await self._listen()
                return self
        raise OSError("no loopback port is free")

    async def __aexit__(self, *exc: object) -> None:
        await self.down()

    async def up(self) -> None:
        """Forward everything, at once."""
        await self._turn("up")

    async def down(self) -> None:
        """Reset every connection and refuse new ones."""
        await self._turn("down")

    async def slow(self, seconds: float) -> None:
        """Delay every answer by *seconds*; what is asked passes at once."""
        await self._turn("slow", seconds)

    async def reset(self) -> None:
        """Reset every connection, and new ones as soon as they are made."""
        await self._turn("reset")

    async def half_open(self) -> None:
        """Keep connections open, accept new ones, and let nothing pass."""
        await self._turn("half_open")

    async def _turn(self, mode: _Mode, delay: float = 0.0) -> None:
        self._mode, self._delay = mode, delay
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "down" and self._server is not None:
            self._server.close()
            self._server = None
        if mode in {"down", "reset"}:
            await self._reset_all()
        if mode != "down":
            await self._listen()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def _reset_all(self) -> None:
        links = list(self._links)
        for task in links:
            for writer in self._links[task]:
                _reset(writer)
            task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ends = self._links[task] = [writer]
        try:
            if self._mode in {"down", "reset"}:
                _reset(writer)
                return
            await self._passable()
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                ends.append(far_writer)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._asked(reader, far_writer))
                    group.create_task(self._answered(far_reader, writer))
        except asyncio.CancelledError:
            if self._mode not in {"down", "reset"}:
                raise
        finally:
            del self._links[task]
            for end in ends:
                end.close()

    async def _passable(self) -> None:
        while self._mode == "half_open":
            await self._changed.wait()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the client says."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passable()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the server says, when it is time."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._collect(reader, waiting))
            while (item := await waiting.get())[1]:
                await self._until_due(item[0])
                with contextlib.suppress(OSError):
                    writer.write(item[1])
                    await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    async def _collect(self, reader: asyncio.StreamReader, waiting: "asyncio.Queue[tuple[float, bytes]]") -> None:
        now = asyncio.get_running_loop().time
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await waiting.put((now(), data))
        await waiting.put((now(), b""))

    async def _until_due(self, arrived: float) -> None:
        """Wait until what arrived then may pass; a change of mode is looked at at once."""
        now = asyncio.get_running_loop().time
        while self._mode == "half_open" or (self._mode == "slow" and arrived + self._delay > now()):
            left = None if self._mode == "half_open" else arrived + self._delay - now()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset instead of an orderly end."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
