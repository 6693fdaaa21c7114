"""The port `Invalidations`: replicas tell each other what they must not keep any longer."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

Heard = Callable[[Sequence[str] | None], None]
"""Takes the keys that changed; ``None`` when nobody knows which, because messages may have been missed."""


class Invalidations(Protocol):
    """Carries the news of changed keys to all replicas that listen.

    It need not be reliable, only honest: whoever listens is told ``None`` when news may have been lost,
    which it is after a connection broke and when it is up again.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryInvalidations
        >>> async def main():
        ...     news: Invalidations = MemoryInvalidations()
        ...     async with news.listen(print):
        ...         await news.publish(["a", "b"])
        >>> asyncio.run(main())
        ['a', 'b']
    """

    async def publish(self, keys: Sequence[str], /) -> None:
        """Tell all who listen, this process too, that *keys* changed.

        Raises:
            Unavailable: It could not be sent.
        """
        ...

    def listen(self, heard: Heard, /) -> AbstractAsyncContextManager[object]:
        """Listen while an ``async with`` block runs; it begins at once, whether there is a connection or not.

        Args:
            heard: Called on the event loop, in the order of the news. It is quick and does not raise.
        """
        ...


class MemoryInvalidations:
    """News among caches of one process, for tests of what replicas do.

    Example:
        >>> MemoryInvalidations().lose()
    """

    process_local = True
    instead = "RedisInvalidations(redis), from hardy.adapters.redis"
    worker_local = True

    def __init__(self) -> None:
        self._listening: list[Heard] = []

    async def publish(self, keys: Sequence[str], /) -> None:
        """Tell all who listen, at once."""
        for heard in tuple(self._listening):
            heard(keys)

    def lose(self) -> None:
        """Tell all who listen that news may have been lost."""
        for heard in tuple(self._listening):
            heard(None)

    def listen(self, heard: Heard, /) -> AbstractAsyncContextManager[object]:
        """Listen while an ``async with`` block runs."""
        return _Listening(self._listening, heard)


class _Listening(AbstractAsyncContextManager[None]):
    def __init__(self, listening: list[Heard], heard: Heard) -> None:
        self._listening = listening
        self._heard = heard

    async def __aenter__(self) -> None:
        self._listening.append(self._heard)

    async def __aexit__(self, *_: object) -> None:
        self._listening.remove(self._heard)
