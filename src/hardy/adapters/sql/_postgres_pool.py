"""Who may use which connection to PostgreSQL: the warmest first, in order of arrival, nobody for ever."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine

from hardy.adapters.sql._asyncpg import FAILURES
from hardy.adapters.sql._postgres_link import Link, open_link
from hardy.adapters.sql._statistics import Counts
from hardy.core import Deadline, DeadlineExceeded, Unavailable

SETTLING = 2.0
"""Seconds in which a connection that is in the middle of something must come to rest; then it is dropped."""
_PROBING = 1.0
_UNTOUCHED = 30.0
"""Seconds after which a connection that nobody used is asked whether it still lives."""

_AVOIDED = 2.0
"""Seconds in which a copy that could not be reached is not asked again, when there is another."""


class Unreachable(Unavailable):
    """Nobody answers at the address of the database, or lets us in."""

    reason = None


class PostgresPool:
    """Up to so many connections, opened when they are needed.

    Giving back costs no round trip: what a transaction leaves open it undoes
    itself, and only a connection that was made dirty is reset.

    Args:
        url: Of the database.
        most: How many there may be at once.
        timeout: Seconds that somebody waits for one.
    """

    def __init__(self, url: str, counts: Counts, *, most: int, timeout: float) -> None:
        self.closed = False
        self.kept: dict[str, object] = {}
        """What others keep as long as it is open."""
        self._url = url
        self._counts = counts
        self._most = most
        self._timeout = timeout
        self._idle: list[Link] = []
        self._lent: set[Link] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._settling: set[asyncio.Task[None]] = set()
        self._arriving: set[asyncio.Task[Link]] = set()
        self._suspect_before = 0.0
        self.unreachable_until = 0.0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._idle) + len(self._lent)

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        return len(self._idle)

    def take_now(self) -> Link | None:
        """Return a connection that is free and known to be well; give it back with `give`."""
        if self._waiting or not self._idle:
            return None
        link = self._idle[-1]
        if link.gone or self._is_doubtful(link):
            return None
        self._lent.add(self._idle.pop())
        return link

    async def take(self, deadline: Deadline) -> Link:
        """Return a connection, waiting for one or opening it; give it back with `give`.

        Raises:
            Unavailable: There was none in time, the database cannot be reached, or is closed.
            DeadlineExceeded: The deadline came first.
        """
        limit = deadline.clamp(self._timeout)
        taken: list[Link] = []
        try:
            async with asyncio.timeout(limit):
                await self._take(taken)
        except BaseException as error:
            for link in taken:  # at the very moment when the patience ended
                self.give(link)
            if not isinstance(error, TimeoutError):
                raise
            if limit < self._timeout:
                raise DeadlineExceeded("the deadline has passed") from None
            raise Unavailable("the database is busy: no connection is free", retry_after=1) from None
        return taken[0]

    async def _take(self, taken: list[Link]) -> None:
        queued = False
        while True:
            if self.closed:
                raise Unavailable("the database is closed")
            if queued or not self._waiting:
                while self._idle:
                    link = self._idle.pop()
                    self._lent.add(link)
                    if await self._is_well(link):
                        taken.append(link)
                        return
                if len(self._lent) + self._opening < self._most:
                    taken.append(await self._open())
                    return
            await self._wait_for_turn(first=queued)
            queued = True

    async def _wait_for_turn(self, *, first: bool) -> None:
        turn = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        self._counts.waiting += 1
        try:
            await turn
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:  # it was our turn, and now it is the next one's
                self._wake()
            raise
        finally:
            self._counts.waiting -= 1

    def _wake(self) -> None:
        """Let the first who waits try."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _is_doubtful(self, link: Link) -> bool:
        return link.checked_at < self._suspect_before or time.monotonic() - link.checked_at > _UNTOUCHED

    async def _is_well(self, link: Link) -> bool:
        """Tell whether *link*, taken already, can be used; drops it when not."""
        try:
            if not link.gone:
                if self._is_doubtful(link):
                    await link.script("select 1", _PROBING)
                    link.checked_at = time.monotonic()
                return True
        except FAILURES:
            pass
        except BaseException:
            self.settle(link)
            raise
        self.drop(link)
        return False

    async def _open(self) -> Link:
        # In a task of its own: somebody whose patience is shorter than the way to the server must not stop it, or a
        # pool of impatient callers would never have a connection. Whoever comes next has it.
        self._opening += 1
        task = asyncio.get_running_loop().create_task(open_link(self._url, self._timeout), name="hardy.sql.open")
        self._arriving.add(task)
        task.add_done_callback(self._arrived)
        try:
            link = await asyncio.shield(task)
        except asyncio.CancelledError:
            if self.closed:
                raise Unavailable("the database is closed") from None
            task.add_done_callback(self._adopt)
            raise
        except TimeoutError:
            raise
        except FAILURES as error:
            self.unreachable_until = time.monotonic() + _AVOIDED
            raise Unreachable("the database cannot be reached", retry_after=1) from error
        return link

    def _arrived(self, task: "asyncio.Task[Link]") -> None:
        self._arriving.discard(task)
        self._opening -= 1
        if not task.cancelled() and task.exception() is None:
            self._lent.add(task.result())
            if self.closed:
                self.drop(task.result())
        self._wake()  # whether it worked or not, there may be room for the next one

    def _adopt(self, task: "asyncio.Task[Link]") -> None:
        """Keep a connection whose taker has gone away meanwhile."""
        if not task.cancelled() and task.exception() is None:
            self.give(task.result())

    def give(self, link: Link) -> None:
        """Let somebody else have it. It must be outside of any transaction."""
        if self.closed or link.gone:
            self.drop(link)
            return
        if link.dirty:
            self.settle(link)
            return
        self._lent.discard(link)
        link.checked_at = time.monotonic()
        self._idle.append(link)
        self._wake()

    def drop(self, link: Link) -> None:
        """Close it at once, whatever it is at, and let somebody open another."""
        if link in self._lent:
            self._lent.discard(link)
            if not self.closed:
                self._counts.lost += 1
        link.terminate()
        self._wake()

    def doubt(self) -> None:
        """Ask every idle connection before it is used again: one of them has just been lost."""
        self._suspect_before = time.monotonic()

    def settle(self, link: Link) -> None:
        """Bring it to rest in the background: wait for what is cancelled, undo what is open, reset what is dirty."""
        task = asyncio.get_running_loop().create_task(self._settle(link), name="hardy.sql.settle")
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, link: Link) -> None:
        try:
            async with asyncio.timeout(SETTLING):
                await link.script("rollback" if link.raw.is_in_transaction() else "select 1", SETTLING)
                if link.raw.is_in_transaction():  # the cancelled statement was the beginning itself
                    await link.script("rollback", SETTLING)
                if link.dirty:
                    await link.raw.reset(timeout=SETTLING)
                    link.prepared.clear()
                    link.dirty = False
        except FAILURES:
            self.doubt()
            self.drop(link)
        except BaseException:
            self.drop(link)
            raise
        else:
            self.give(link)

    async def close(self) -> None:
        """Stop what runs and close every connection."""
        self.closed = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
        for task in list(self._settling):
            task.cancel()
        for arriving in list(self._arriving):
            arriving.cancel()
        for link in list(self._lent):
            self.drop(link)
        idle, self._idle = self._idle, []
        closing: list[Coroutine[object, object, None]] = [link.close(1.0) for link in idle]
        await asyncio.gather(*closing)
        while pending := {*self._settling, *self._arriving}:
            await asyncio.wait(pending)


async def open_first(pool: PostgresPool, script: str, timeout: float) -> None:
    """Open the first connection and execute *script* on it.

    Raises:
        Unavailable: Nobody answers.
        PostgresError: The server refuses us, or the script.
    """
    link = await pool.take(Deadline.after(timeout))
    try:
        if script:
            await link.script(script, None)
    except BaseException:
        pool.drop(link)
        raise
    pool.give(link)
