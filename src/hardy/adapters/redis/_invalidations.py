"""The port `Invalidations` over published messages."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import msgspec

from hardy.adapters.redis._redis import Redis
from hardy.cache import Heard, Invalidations

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode


class RedisInvalidations(Invalidations):
    """News of changed keys among all replicas, over a channel of one Redis or Valkey server.

    Whoever listens is told ``None`` when it begins to hear, when the connection ends,
    and when there is one again. A connection that dies without a word is
    noticed within some seconds, for the server is asked for a sign of life.

    Args:
        redis: The server; manage it before.
        channel: Its name, alike in all replicas of one service. Databases of one server share their channels.

    Example:
        >>> async def main(redis: Redis) -> None:
        ...     news = RedisInvalidations(redis, channel="orders:changed")
        ...     async with news.listen(print):
        ...         await news.publish(["tea"])
    """

    port = Invalidations

    def __init__(self, redis: Redis, *, channel: str = "hardy:changed") -> None:
        self._redis = redis
        self._channel = channel

    async def __aenter__(self) -> Self:
        """Return itself: the connection is the server's."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def publish(self, keys: Sequence[str], /) -> None:
        """Tell all who listen that *keys* changed."""
        await self._redis.execute("PUBLISH", self._channel, _encode(list(keys)))

    def listen(self, heard: Heard, /) -> AbstractAsyncContextManager[object]:
        """Listen while an ``async with`` block runs."""
        return _Listening(self._redis, self._channel, heard)


class _Listening(AbstractAsyncContextManager[None]):
    def __init__(self, redis: Redis, channel: str, heard: Heard) -> None:
        self._redis = redis
        self._channel = channel
        self._heard = heard

    async def __aenter__(self) -> None:
        self._subscription = self._redis.subscribe(self._channel, self._message, gap=self._gap)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._subscription.close()

    def _message(self, text: bytes) -> None:
        try:
            keys = _decode(text)
        except msgspec.MsgspecError:  # of somebody who speaks otherwise: it may have meant anything
            keys = None
        self._heard(keys)

    def _gap(self) -> None:
        self._heard(None)
