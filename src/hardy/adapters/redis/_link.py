"""Keeping a connection: making it, noticing its end, making the next one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Protocol

from hardy.adapters.redis._errors import RedisError
from hardy.adapters.redis._notices import RedisConnected, RedisLost
from hardy.adapters.redis._wait import noted
from hardy.adapters.redis._wire import Wire
from hardy.core import Emit, Unavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect: doubled from the one to the other, and jittered."""
HEARTBEAT = 5.0
"""Seconds between two questions to a server: a connection that died without a word would miss messages silently."""
_PING = b"*1\r\n$4\r\nPING\r\n"


class Follows(Protocol):
    """What wants to know which connection there is."""

    def opened(self, wire: Wire) -> None:
        """Take note of a new connection, before anybody else uses it."""
        ...

    def interrupted(self) -> None:
        """Take note that it is gone."""
        ...


class Link:
    """Has a connection whenever there can be one.

    Whoever asks for it while it is being made waits for that one attempt. Once
    an attempt has failed, and until one succeeds, everybody is told so at once:
    a server that is down costs its callers nothing.

    Args:
        connect: Makes a connection or raises.
        server: Its name in notices.
        follower: Told of each connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Wire]], *, server: str, follower: Follows, emit: Emit) -> None:
        self._connect = connect
        self._server = server
        self._follower = follower
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[None] = self._loop.create_future()
        self._since = monotonic()
        self._writes = 0
        self.wire: Wire | None = None
        self.error: Exception | None = None
        """Why the last attempt failed; ``None`` while there is a connection, or the next attempt is the first."""
        self.connections = 0

    @property
    def writes(self) -> int:
        """Batches sent over all connections."""
        return self._writes + (0 if self.wire is None else self.wire.writes)

    def start(self) -> None:
        """Begin to connect."""
        self._task = self._loop.create_task(self._keep(), name="redis connection")

    async def ready(self, limit: float) -> Wire:
        """Return the connection; wait for at most *limit* seconds while it is being made.

        Raises:
            Unavailable: There is none. It names neither the server nor the reason, which callers need not know.
        """
        if self.wire is not None and self.wire.lost.done():
            await asyncio.sleep(0)  # its end has not been looked at yet
        if self.wire is None and self.error is None and not self._attempt.done():
            await asyncio.wait([self._attempt], timeout=limit)
        if self.wire is None:
            raise Unavailable("the shared store cannot be reached", retry_after=1)
        return self.wire

    async def close(self) -> None:
        """Give the connection up, and trying."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._settle()
        wire, self.wire = self.wire, None
        if wire is not None:
            self._writes += wire.writes
            wire.abort()
            await wire.lost

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            began = monotonic()
            try:
                wire = await self._connect()
            except (OSError, Unavailable, RedisError) as error:
                self._fail(error)
            else:
                self._succeed(wire)
                await self._watch(wire)
                self._end(wire)
                if monotonic() - began > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
                    continue  # it lived: the first attempt to replace it does not wait
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _watch(self, wire: Wire) -> None:
        """Wait for the end of a connection; where nobody says anything, ask now and then whether it is still one."""
        while not wire.lost.done():
            done, _ = await asyncio.wait([wire.lost], timeout=HEARTBEAT)
            if not done:
                wire.send(_PING).add_done_callback(noted)

    def _succeed(self, wire: Wire) -> None:
        self._follower.opened(wire)
        self.wire, self.error = wire, None
        self.connections += 1
        self._settle()
        self._emit(RedisConnected(server=self._server, after=monotonic() - self._since))

    def _end(self, wire: Wire) -> None:
        self.wire = None
        self._writes += wire.writes
        self._since = monotonic()
        self._attempt = self._loop.create_future()
        self._follower.interrupted()
        self._emit(RedisLost(server=self._server, error="the connection ended"))

    def _fail(self, error: Exception) -> None:
        first, self.error = self.error is None, error
        self._settle()
        if first:
            reason = ": ".join(filter(None, (type(error).__name__, str(error))))  # a timeout has nothing to add
            self._emit(RedisLost(server=self._server, error=reason))

    def _settle(self) -> None:
        if not self._attempt.done():
            self._attempt.set_result(None)
