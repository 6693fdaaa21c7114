"""The port `Lock` on PostgreSQL's advisory locks."""

import asyncio
import math
import random
from collections.abc import Callable, Coroutine
from time import monotonic
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from hardy.adapters.sql._asyncpg import FAILURES
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql.lock._session import LockSession
from hardy.adapters.sql.lock._steps import STEPS
from hardy.cache import Lock, LockStatistics
from hardy.core import BuildFailed, DeadlineExceeded, Diagnostic, Unavailable, current_call, shielded

T = TypeVar("T")

SHORTEST, LONGEST = 0.005, 0.1
"""Seconds between two attempts to take a name that somebody holds; doubled from one to the other, and jittered."""


class _Kept:
    """A name of which this process is, or tries to become, the holder."""

    __slots__ = ("session", "timer", "token", "ttl")

    def __init__(self, ttl: float) -> None:
        self.ttl = ttl
        self.token = 0
        self.session: LockSession | None = None
        self.timer: asyncio.TimerHandle | None = None

    @property
    def lost(self) -> bool:
        return self.session is not None and self.session.gone

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class PostgresLock(Lock):
    """Locks among all replicas, on one PostgreSQL database that is there anyway.

    A component that yields `Lock`. It holds one connection of its own beside
    those of the `Database`, for an advisory lock belongs to a session: with a
    pooler in between, it must be one that keeps sessions apart.

    What is guaranteed. One holder at a time for as long as the server runs:
    the lock is free when it is released, when its time to live is over, and
    when the session ends. The server ends a session that was silent for the
    longest time to live of what it holds (from PostgreSQL 14 on; before that a
    process that stands still keeps its locks), so a dead or stopped process
    is in nobody's way for long. A server that restarts, or fails over, has
    forgotten its locks: the holder is told at its next extension, within
    a third of the time to live. Fencing tokens rise over all names as
    long as the table ``hardy_fence`` is kept; and after a restore from a backup, for
    none is less than the server's time in microseconds.

    Args:
        settings: The database, as for `Database`.

    Example:
        >>> from hardy.adapters.sql import DatabaseSettings
        >>> async def main(settings: DatabaseSettings) -> None:
        ...     async with PostgresLock(settings) as lock, lock.hold("invoices", ttl=10) as held:
        ...         print(held.token)
    """

    port = Lock
    schema_steps: ClassVar = STEPS

    def __init__(self, settings: DatabaseSettings) -> None:
        if not settings.url.startswith(("postgresql://", "postgres://")):
            raise BuildFailed([_no_locks(settings.url)])
        self._url = settings.url
        self._timeout = settings.acquire_timeout
        self._session: LockSession | None = None
        self._opening = asyncio.Lock()
        self._kept: dict[str, _Kept] = {}
        self._work: set[asyncio.Task[object]] = set()
        self._open = False
        self._waiting = self._taken = self._refused = 0

    async def __aenter__(self) -> Self:
        """Be ready; the connection is made when a lock is first wanted."""
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; what it held is free."""
        self._open = False
        for kept in self._kept.values():
            kept.stop()
        if self._work:
            await shielded(_all(self._work))
        self._kept.clear()
        session, self._session = self._session, None
        if session is not None:
            await shielded(session.close())

    async def take(self, name: str, *, ttl: float, wait: float) -> int | None:
        """Become the holder of *name*, asking again while somebody else is."""
        self._waiting += 1
        try:
            token = await self._wait(name, ttl, monotonic() + wait)
        finally:
            self._waiting -= 1
        if token is None:
            self._refused += 1
        else:
            self._taken += 1
        return token

    async def _wait(self, name: str, ttl: float, end: float) -> int | None:
        pause = SHORTEST
        while True:
            if (token := await self._attempt(name, ttl)) is not None:
                return token
            if (left := end - monotonic()) <= 0:
                return None
            await asyncio.sleep(min(left, pause * random.uniform(0.5, 1.0)))
            pause = min(pause * 2, LONGEST)

    async def extend(self, name: str, token: int, *, ttl: float) -> bool:
        """Hold *name* for *ttl* seconds from now, if *token* is its holder."""
        kept = self._kept_by(name, token)
        if kept is None or kept.session is None:
            return False
        longest = max(ttl, *(each.ttl for each in self._kept.values()))
        try:
            await self._apart(kept.session.stay(longest))
        except Unavailable:
            if kept.lost:
                return False
            raise
        if self._kept_by(name, token) is not kept:  # its time came meanwhile
            return False
        kept.ttl = ttl
        self._arm(name, kept)
        return True

    async def release(self, name: str, token: int) -> bool:
        """Let go of *name*, if *token* is its holder."""
        kept = self._kept_by(name, token)
        if kept is None:
            return False
        kept.token = 0  # nobody's from here on, whatever becomes of it
        return await self._apart(self._let_go(name, kept), past_deadline=True)

    def statistics(self) -> LockStatistics:
        """Return what became of attempts to hold a name, in this process."""
        held = sum(1 for kept in self._kept.values() if kept.token and not kept.lost)
        return LockStatistics(held, self._waiting, self._taken, self._refused)

    def _kept_by(self, name: str, token: int) -> _Kept | None:
        kept = self._kept.get(name)
        return kept if kept is not None and kept.token == token > 0 and not kept.lost else None

    async def _attempt(self, name: str, ttl: float) -> int | None:
        kept = self._kept.get(name)
        if kept is not None and kept.lost:
            kept.stop()
            kept = None
        if kept is not None:  # held by somebody of this process; to the server they are all one
            return None
        self._kept[name] = _Kept(ttl)
        return await self._apart(self._take(name, self._kept[name]), late=lambda token: self._too_late(name, token))

    async def _take(self, name: str, kept: _Kept) -> int | None:
        try:
            session = await self._connected()
            token = await session.take(name, max(each.ttl for each in self._kept.values()))
        except BaseException:
            del self._kept[name]
            raise
        if token is None:
            del self._kept[name]
            return None
        kept.token, kept.session = token, session
        self._arm(name, kept)
        return token

    def _too_late(self, name: str, token: int | None) -> None:
        """Give back what was taken for somebody who has left."""
        kept = None if token is None else self._kept_by(name, token)
        if kept is not None:
            kept.token = 0
            _ = self._start(self._let_go(name, kept))

    async def _connected(self) -> LockSession:
        async with self._opening:
            if not self._open:
                raise Unavailable("the lock is not open")
            if self._session is None or self._session.gone:
                try:
                    self._session = await LockSession.open(self._url, self._timeout)
                except FAILURES as error:
                    raise Unavailable("the database cannot be reached", retry_after=1) from error
            return self._session

    def _arm(self, name: str, kept: _Kept) -> None:
        kept.stop()
        kept.timer = asyncio.get_running_loop().call_later(kept.ttl, self._expire, name, kept)

    def _expire(self, name: str, kept: _Kept) -> None:
        kept.token = 0
        _ = self._start(self._let_go(name, kept))

    async def _let_go(self, name: str, kept: _Kept) -> bool:
        kept.stop()
        try:
            return kept.session is not None and not kept.lost and await kept.session.release(name)
        except BaseException:
            if kept.session is not None:
                kept.session.terminate()  # or it would be held for ever
            raise
        finally:
            if self._kept.get(name) is kept:
                del self._kept[name]

    async def _apart(
        self,
        work: Coroutine[object, None, T],
        *,
        late: Callable[[T], None] | None = None,
        past_deadline: bool = False,
    ) -> T:
        """Do *work* in a task of its own, which goes on when the caller leaves; *late* then takes what came of it."""
        task = self._start(work)
        call = None if past_deadline else current_call()
        left = math.inf if call is None else max(0.0, call.deadline.remaining())
        try:
            done, _ = await asyncio.wait([task], timeout=None if left == math.inf else left)
            if not done:
                raise DeadlineExceeded("the deadline passed while the database was asked")
        except BaseException:
            if late is not None:
                task.add_done_callback(lambda task: _hand_on(task, late))
            raise
        return task.result()

    def _start(self, work: Coroutine[object, None, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        task.add_done_callback(_noted)
        return task


def _hand_on(task: "asyncio.Task[T]", late: Callable[[T], None]) -> None:
    if not task.cancelled() and task.exception() is None:
        late(task.result())


def _noted(task: "asyncio.Task[T]") -> None:
    if not task.cancelled():
        task.exception()


async def _all(work: "set[asyncio.Task[object]]") -> None:
    await asyncio.wait(set(work))


def _no_locks(url: str) -> Diagnostic:
    return Diagnostic(
        code="H0284",
        title=f"`{url.partition(':')[0]}` has no locks that processes share",
        notes=("PostgresLock needs PostgreSQL",),
        helps=("postgresql://orders@localhost/orders", "use hardy.cache.MemoryLock, in one process"),
    )
