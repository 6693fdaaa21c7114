"""Holding a name while a block runs: waiting for it, extending it, and ending the block when it is lost."""

import asyncio
import math
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, cast

from hardy.core import Aborted, DeadlineExceeded, Unavailable, current_call, shielded

_holds: ContextVar[tuple["Hold", ...]] = ContextVar("hardy.holds", default=())


class LockTaken(Aborted):
    """Somebody else holds the name, and nobody wanted to wait for longer."""


class LockLost(Aborted):
    """The name was held by somebody else before the block was over.

    What the block has written since may be refused by its fencing token.
    """


class _Takes(Protocol):
    """The part of `Lock` that adapters fulfil."""

    async def take(self, name: str, *, ttl: float, wait: float) -> int | None: ...
    async def extend(self, name: str, token: int, *, ttl: float) -> bool: ...
    async def release(self, name: str, token: int) -> bool: ...


class Hold:
    """What `Lock.hold` returns: ``async with`` it to hold the name.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryLock
        >>> async def main():
        ...     async with MemoryLock().hold("invoices", ttl=10) as held:
        ...         return held
        >>> asyncio.run(main())
        <Held invoices 1>
    """

    def __init__(self, lock: _Takes, name: str, *, ttl: float, wait: float | None) -> None:
        if not 0 < ttl < math.inf:
            raise ValueError(f"a lock is held for a number of seconds above zero, not {ttl:g}")
        self._lock = lock
        self._name = name
        self._ttl = ttl
        self._wait = wait
        self._token = 0
        self._until = 0.0
        self._lost = False
        self._cause: BaseException | None = None
        self._task: asyncio.Task[object] | None = None
        self._extending: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Held":
        """Wait for the name and take it."""
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        if any(self._repeats(hold) for hold in _holds.get()):
            raise RuntimeError(f"this task holds lock `{self._name}` already and would wait for itself")
        before = time.monotonic()
        self._token = await self._take()
        self._until = before + self._ttl
        if time.monotonic() - before > self._ttl / 10:
            # It waited, and nobody can tell since when exactly it holds the name.
            try:
                await self._extend()
            except BaseException:
                await shielded(self._let_go(), limit=min(self._ttl, 5.0))
                raise
        self._before = self._task.cancelling()
        self._arm()
        self._extending = asyncio.create_task(self._keep_extending(), name=f"hardy: lock {self._name}")
        _holds.set((*_holds.get(), self))
        return Held(self._name, self._token, self)

    def _repeats(self, other: "Hold") -> bool:
        return other._lock is self._lock and other._name == self._name and other._task is self._task

    async def _take(self) -> int:
        call = current_call()
        left = math.inf if call is None else max(0.0, call.deadline.remaining())
        wait = left if self._wait is None else min(self._wait, left)
        token = await self._lock.take(self._name, ttl=self._ttl, wait=wait)
        if token is None:
            if call is not None and call.deadline.passed:
                raise DeadlineExceeded(f"`{self._name}` was held by somebody else until the deadline")
            raise LockTaken(f"`{self._name}` is held by somebody else")
        return token

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of the name."""
        self._disarm()
        _holds.set(tuple(hold for hold in _holds.get() if hold is not self))
        held = await shielded(self._let_go(), limit=min(self._ttl, 5.0))
        if self._lost and self._task is not None:
            mine = self._task.uncancel() <= self._before
            if isinstance(error, asyncio.CancelledError) and mine:
                raise self._loss() from (self._cause or error)
        if error is None and not held:
            raise self._loss() from self._cause

    async def _let_go(self) -> bool:
        """Stop extending, then release; return whether the name was held to this moment, as far as one knows."""
        if self._extending is not None:
            self._extending.cancel()
            await asyncio.wait([self._extending])
        try:
            async with asyncio.timeout(max(0.1, self._until - time.monotonic())):
                return await self._lock.release(self._name, self._token) and not self._lost
        except (Unavailable, OSError):  # a timeout among them
            # The store is gone; its time to live ends the hold.
            return not self._lost

    async def _keep_extending(self) -> None:
        pause = self._ttl / 3
        while not self._lost:
            await asyncio.sleep(pause)
            try:
                await self._extend()
                pause = self._ttl / 3
            except LockLost:
                self._lose()
            except Exception as error:  # whatever the store says: the timer ends the block when the time is over
                self._cause = error
                pause = self._ttl / 10

    async def _extend(self) -> None:
        began = time.monotonic()
        if not await self._lock.extend(self._name, self._token, ttl=self._ttl):
            raise self._loss()
        # The store counts from when it was told, which is later: this side lets go first.
        self._until = began + self._ttl
        self._cause = None
        if self._timer is not None:
            self._arm()

    def _arm(self) -> None:
        self._disarm()
        left = max(0.0, self._until - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(left, self._lose)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose(self) -> None:
        if not self._lost and self._timer is not None and self._task is not None:
            self._disarm()
            self._lost = True
            self._task.cancel()

    def _loss(self) -> LockLost:
        return LockLost(f"`{self._name}` is not held any more")

    @property
    def lost(self) -> bool:
        """Whether somebody else may hold the name by now."""
        return self._lost or time.monotonic() >= self._until


class Held:
    """A name that is held, while the block of `Lock.hold` runs.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryLock
        >>> async def main():
        ...     async with MemoryLock().hold("invoices") as held:
        ...         return held.name, held.token, held.lost
        >>> asyncio.run(main())
        ('invoices', 1, False)
    """

    __slots__ = ("_hold", "name", "token")

    def __init__(self, name: str, token: int, hold: Hold) -> None:
        self.name = name
        self.token = token
        """The fencing token: greater than that of every holder before."""
        self._hold = hold

    def __repr__(self) -> str:
        return f"<Held {self.name} {self.token}>"

    @property
    def lost(self) -> bool:
        """Whether somebody else may hold the name by now; asks nobody."""
        return self._hold.lost

    def check(self) -> None:
        """Raise unless the name is held. Call it right before what must not happen twice.

        Raises:
            LockLost: It is not held any more.
        """
        if self.lost:
            raise LockLost(f"`{self.name}` is not held any more")
