"""Work that one replica does for all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from hardy.cache._hold import Held, LockLost
from hardy.cache._lock import Lock
from hardy.core import Emit, Level, Notices, Told
from hardy.lifecycle import Restart, Tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadershipGained(Told):
    """This process leads from now on."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "this process leads"

    name: str
    fence: int
    """The fencing token of this term; under that name it would be redacted in the log, like a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadershipLost(Told):
    """This process does not lead any more: it stopped, its work ended or failed, or the lock was lost."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "this process does not lead any more"

    name: str
    fence: int
    """The fencing token of this term; under that name it would be redacted in the log, like a credential."""


@dataclass(frozen=True, slots=True)
class LeaderStatistics:
    """What became of one candidate."""

    name: str
    leading: bool
    token: int
    """The fencing token of the present or last term; 0 before the first."""
    terms: int


class Leader:
    """Runs a task in one replica at a time: in that which holds the lock of the task's name.

    Each replica manages one. The lock is held and extended while the task runs; when it is lost the task is
    cancelled, and the replica waits for its next turn. A task that fails gives up the lead and is a candidate again
    after a wait, so another replica may have more luck. One that returns is over in this replica; another does
    it next.

    A component: made by `leader`. Draining gives up the lead at once, so another replica takes over before this
    one is gone.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryLock
        >>> async def main():
        ...     done = asyncio.Event()
        ...
        ...     async def clean(held: Held) -> None:
        ...         print("cleaning with token", held.token)
        ...         done.set()
        ...
        ...     async with leader("clean", clean, lock=MemoryLock()):
        ...         await done.wait()
        >>> asyncio.run(main())
        cleaning with token 1
    """

    def __init__(self, name: str, run: Callable[[Held], Awaitable[object]], *, lock: Lock | None, ttl: float) -> None:
        self.name = name
        self._run = run
        self._lock = lock
        self._ttl = ttl
        self._emit: Emit = lambda notice: None
        self._tasks: Tasks | None = None
        self._held: Held | None = None
        self._token = self._terms = 0

    @property
    def process_local(self) -> bool:
        """Whether the lock it was given leaves other replicas out."""
        return bool(getattr(self._lock, "process_local", False))

    @property
    def worker_local(self) -> bool:
        """Whether the lock it was given leaves other workers out."""
        return bool(getattr(self._lock, "worker_local", False))

    def wire(self, *, lock: Lock | None = None, notices: Notices | None = None) -> None:
        """Take from the app the lock, if none was given, and who is told.

        Args:
            lock: What a component managed before provides.
            notices: Told of `LeadershipGained`, `LeadershipLost` and failures of the task.
        """
        self._lock = self._lock or lock
        if notices is not None:
            self._emit = notices

    async def __aenter__(self) -> Self:
        """Become a candidate."""
        if self._lock is None:
            raise RuntimeError(f"leader `{self.name}` has no lock: manage one before it, or give it `lock=`")
        self._tasks = Tasks(self._emit)
        await self._tasks.__aenter__()
        self._tasks.start(f"leader {self.name}", self._campaign, restart=Restart(most=min(5.0, self._ttl)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give up the lead, or the candidacy."""
        await self.drain()

    async def drain(self) -> None:
        """Cancel the task and give up the lead."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            await tasks.__aexit__(None, None, None)

    async def _campaign(self) -> None:
        while not await self._term():
            pass

    async def _term(self) -> bool:
        """Wait for the lead and use it; return whether the task has come to its end."""
        lock = self._lock
        if lock is None:
            raise RuntimeError(f"leader `{self.name}` has no lock")
        try:
            async with lock.hold(f"leader {self.name}", ttl=self._ttl) as held:
                self._held, self._token = held, held.token
                self._terms += 1
                self._emit(LeadershipGained(name=self.name, fence=held.token))
                await self._run(held)
        except LockLost:
            if self._held is None:
                raise
            return False
        finally:
            if self._held is not None:
                self._held = None
                self._emit(LeadershipLost(name=self.name, fence=self._token))
        return True

    def statistics(self) -> LeaderStatistics:
        """Return what became of this candidate."""
        held = self._held
        return LeaderStatistics(self.name, held is not None and not held.lost, self._token, self._terms)


def leader(
    name: str, run: Callable[[Held], Awaitable[object]], *, lock: Lock | None = None, ttl: float = 10.0
) -> Leader:
    """Return a component that runs *run* in one replica at a time.

    Args:
        name: The same in every replica.
        run: Given what is held, whose token fences what it writes. It runs until it is cancelled or returns.
        lock: What the app manages as `Lock` if none is given.
        ttl: Seconds after which another replica takes over from one that died.

    Example:
        >>> async def clean(held: Held) -> None: ...
        >>> leader("clean", clean).statistics()
        LeaderStatistics(name='clean', leading=False, token=0, terms=0)
    """
    return Leader(name, run, lock=lock, ttl=ttl)
