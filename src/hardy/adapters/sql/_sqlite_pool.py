"""Who may use which connection: any number of readers, one writer, nobody waits for ever."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hardy.adapters.sql._sqlite_connection import Connection
from hardy.adapters.sql._statistics import Counts
from hardy.core import Deadline, DeadlineExceeded, Unavailable

_PAUSE = 0.01
"""The most seconds between two attempts to write while another process does.

There is no queue among processes: who asks seldom meets a moment between two of its transactions seldom.
"""


class Pool:
    """The connections of one database.

    Readers come from a stack, the warmest first. The right to write is a lock
    that is taken in order of arrival; with it goes the connection kept for
    writing, so that writers in a queue take no connection from readers. With no
    readers (a database in memory has one connection) everybody queues.
    """

    def __init__(self, writer: Connection, readers: list[Connection], counts: Counts, *, timeout: float) -> None:
        self.writer = writer
        self.readers = readers
        self.closed = False
        self.kept: dict[str, object] = {}
        """What others keep as long as it is open."""
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for each in readers:
            self._idle.put_nowait(each)
        self._turn = asyncio.Lock()
        self._counts = counts
        self._timeout = timeout

    @property
    def idle(self) -> int:
        """How many connections nobody uses."""
        return self._idle.qsize() + (not self._turn.locked())

    @property
    def shared(self) -> bool:
        """Whether readers have connections of their own."""
        return bool(self.readers)

    async def take_reader(self, deadline: Deadline) -> Connection:
        """Return a connection to read with; give it back with `give_reader`.

        Raises:
            Unavailable: There was none in time, or the database is closed.
            DeadlineExceeded: The deadline came first.
        """
        self._check_open()
        if not self._idle.empty() and not self._counts.waiting:
            return self._idle.get_nowait()
        async with self._patience(deadline, "no connection is free"):
            return await self._idle.get()

    def give_reader(self, connection: Connection) -> None:
        """Let somebody else have it."""
        self._idle.put_nowait(connection)

    async def take_turn(self, deadline: Deadline) -> None:
        """Wait for the right to write; give it back with `give_turn`.

        Raises:
            Unavailable: The turn did not come in time, or the database is closed.
            DeadlineExceeded: The deadline came first.
        """
        self._check_open()
        if not self._turn.locked():
            await self._turn.acquire()  # at once: nobody is before us
            return
        async with self._patience(deadline, "others are writing"):
            await self._turn.acquire()

    def give_turn(self) -> None:
        """Let the next one write."""
        self._turn.release()

    @asynccontextmanager
    async def _patience(self, deadline: Deadline, what: str) -> AsyncGenerator[None, None]:
        limit = deadline.clamp(self._timeout)
        self._counts.waiting += 1
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            if limit < self._timeout:  # the deadline's clock may be a moment behind the loop's
                raise DeadlineExceeded("the deadline has passed") from None
            raise Unavailable(f"the database is busy: {what}", retry_after=1) from None
        finally:
            self._counts.waiting -= 1

    async def pause(self, attempt: int, deadline: Deadline, since: float) -> None:
        """Wait a little because another process is writing.

        Raises:
            Unavailable: It has been writing for too long.
            DeadlineExceeded: The deadline came first.
        """
        deadline.check()
        if asyncio.get_running_loop().time() - since > self._timeout:
            raise Unavailable("the database is busy: another process is writing", retry_after=1)
        await asyncio.sleep(deadline.clamp(min(0.001 * 2**attempt, _PAUSE)))

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable("the database is closed")

    async def close(self) -> None:
        """Stop what runs and close every connection; all are closed even when one fails."""
        self.closed = True
        everyone = [*self.readers, self.writer]
        for each in everyone:
            each.reins.closing = True
        outcomes = await asyncio.gather(*(each.close() for each in everyone), return_exceptions=True)
        failures = [each for each in outcomes if isinstance(each, Exception)]
        if failures:
            raise ExceptionGroup("the database did not close", failures)
