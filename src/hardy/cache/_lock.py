"""The port `Lock`: one holder of a name at a time, among all who share the store."""

from typing import Protocol

from hardy.cache._hold import Hold


class Lock(Protocol):
    """Lets one holder of a name go on at a time, and tells it when it is not the holder any more.

    Adapters derive from this class, fulfil `take`, `extend` and `release`, and inherit `hold`, which is what
    users call. `MemoryLock` serves one process, ``RedisLock`` and ``PostgresLock`` all replicas.

    A lock with a time to live cannot exclude a holder that stands still for longer (a stopped process, a long
    pause) and does not know it: two may then believe to hold it. What makes that harmless is the *fencing
    token*, a number that rises with every holder: hand it to the store that is written to and let it refuse
    lower ones than it has seen (Kleppmann, "How to do distributed locking", 2016).

    Names are any text. Every method may be called by many tasks at once.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryLock
        >>> async def main():
        ...     lock: Lock = MemoryLock()
        ...     async with lock.hold("invoices", ttl=10) as held:
        ...         first = held.token
        ...     async with lock.hold("invoices", ttl=10) as held:
        ...         return held.token > first
        >>> asyncio.run(main())
        True
    """

    async def take(self, name: str, *, ttl: float, wait: float) -> int | None:
        """Become the holder of *name* for *ttl* seconds and return the fencing token.

        Nobody holds a name whose *ttl* ran out. How to wait is the adapter's choice: it notices a release well
        within a second. A caller cancelled while it waits has not taken the lock, or gives it back.

        Args:
            wait: Seconds to wait for a name that somebody else holds; 0 tries once.

        Returns:
            A number greater than any before for this name, also after the store expired or restarted as
            far as it keeps its data; ``None`` when somebody else still holds it.

        Raises:
            Unavailable: The store cannot be reached.
        """
        ...

    async def extend(self, name: str, token: int, *, ttl: float) -> bool:
        """Hold *name* for *ttl* seconds from now; return whether *token* still was its holder.

        Raises:
            Unavailable: The store cannot be reached; whether it is still held is unknown.
        """
        ...

    async def release(self, name: str, token: int) -> bool:
        """Let go of *name*; return whether *token* still was its holder. It changes nothing when it was not.

        Raises:
            Unavailable: The store cannot be reached; its time to live ends the hold.
        """
        ...

    def hold(self, name: str, *, ttl: float = 10.0, wait: float | None = None) -> Hold:
        """Hold *name* while an ``async with`` block runs.

        The hold is extended in the background three times within each *ttl*. When it is lost all the same, the
        block is cancelled at its next await and ends with `LockLost`, before anybody else can be the holder as
        long as this process runs.

        Args:
            name: What is held. Holding it twice in one task is a mistake and raises ``RuntimeError``.
            ttl: Seconds for which it stays held when this process dies.
            wait: Seconds to wait for another holder, 0 for none. The call's deadline bounds it in any case, and
                alone when nothing is said; outside of a call that waits without an end.

        Raises:
            LockTaken: Somebody else holds it, and *wait* is over.
            DeadlineExceeded: Somebody else holds it, and the call's deadline has come.
            LockLost: At the end of the block: it was not held to the end.
            Unavailable: The store cannot be reached.
        """
        return Hold(self, name, ttl=ttl, wait=wait)
