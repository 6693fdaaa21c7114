"""Tags: names that many keys have in common, so that all of them are forgotten at once.

The stamp of a tag is kept under a key of its own. A value carries the stamps its tags had before it was loaded, and
is good as long as they have them still; forgetting a tag gives it a new stamp. A tag without a stamp, since the
store dropped it, makes no value good.
"""

import os
from collections.abc import Sequence

from hardy.cache._cache import Cache, Entry
from hardy.cache._envelope import STAMP
from hardy.concurrency import SingleFlight

KEPT = 7 * 24 * 3600.0
"""Seconds; a stamp in use is kept on."""

Stamps = tuple[bytes | None, ...]


def tag_key(tag: str) -> str:
    """Return the key that the stamp of *tag* is kept under, which all keyspaces of a cache share."""
    return f"tag:{tag}"


def new_stamp() -> bytes:
    """Return a stamp that no tag has had."""
    return os.urandom(STAMP)


def stamps_of(entries: Sequence[Entry | None]) -> Stamps:
    """Return the stamps that *entries* of tags hold."""
    return tuple(None if entry is None or len(entry.value) != STAMP else entry.value for entry in entries)


class Tags:
    """Sees to it that tags have stamps."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._flights: SingleFlight[tuple[str, ...], Stamps] = SingleFlight()

    async def stamp(self, tags: tuple[str, ...]) -> Stamps:
        """Return the stamps of *tags*, new ones for those without; ``None`` among them where the store is not there."""
        return await self._flights.run(tags, lambda: self._stamp(tags))

    async def _stamp(self, tags: tuple[str, ...]) -> Stamps:
        keys = [tag_key(tag) for tag in tags]
        for key, entry in zip(keys, await self._cache.get_many(keys), strict=True):
            if entry is None or len(entry.value) != STAMP:
                await self._cache.replace(key, new_stamp(), KEPT, version=entry and entry.version)
            elif entry.ttl < KEPT / 2:
                await self._cache.replace(key, entry.value, KEPT, version=entry.version)
        return stamps_of(await self._cache.get_many(keys))

    async def forget(self, tags: Sequence[str]) -> None:
        """Give *tags* new stamps."""
        await self._cache.set_many({tag_key(tag): new_stamp() for tag in tags}, KEPT)
