"""Files that come with a form."""

import re
from collections.abc import AsyncIterator
from typing import ClassVar

from hardy.concurrency import in_thread
from hardy.core import ResourceExhausted

_PIECE = 64 * 1024
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")


class File:
    """A file that a caller sent with a form; a field of the message of a route with ``form=True``.

    Small ones are in memory, larger ones on disk, without a name. It lives as
    long as somebody holds it, at least as long as its call.

    Example:
        >>> import asyncio
        >>> picture = File.of("tea.txt", b"hot", content_type="text/plain")
        >>> picture.name, picture.size, asyncio.run(picture.read())
        ('tea.txt', 3, b'hot')
    """

    __slots__ = ("_memory", "_spool", "content_type", "name", "size")

    __carried_by__: ClassVar[str] = 'files come by forms: write `http.post("/...", form=True)`, and no other binding'
    """What is said where a type like this cannot travel."""

    def __init__(self, name: str, content_type: str = "application/octet-stream", *, memory: int = 2**18) -> None:
        self.name = _base(name)
        self.content_type = content_type
        self.size = 0
        self._memory = memory
        from tempfile import SpooledTemporaryFile  # loaded with forms, at build

        self._spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=memory)  # noqa: SIM115  # closed by __del__

    name: str
    """What the caller calls it, without folders; say nothing by it, and make no path of it."""
    content_type: str
    """What the caller says it is, which may be untrue."""
    size: int
    """Bytes."""

    def __repr__(self) -> str:
        return f"<File {self.name!r} {self.content_type} {self.size} bytes>"

    def __del__(self) -> None:
        if hasattr(self, "_spool"):
            self._spool.close()

    @classmethod
    def of(cls, name: str, data: bytes, *, content_type: str = "application/octet-stream") -> "File":
        """Return a file with *data*, as tests and clients send it."""
        made = cls(name, content_type, memory=len(data) + 1)
        made._spool.write(data)
        made.size = len(data)
        return made

    async def write(self, data: bytes) -> None:
        """Append *data*; done by whoever receives the form."""
        self.size += len(data)
        if self.size > self._memory:
            await in_thread(self._append, data)
        else:
            self._append(data)

    def _append(self, data: bytes) -> None:
        self._spool.seek(0, 2)
        self._spool.write(data)

    async def read(self, limit: int | None = None) -> bytes:
        """Return all of it.

        Args:
            limit: Bytes that it may have.

        Raises:
            ResourceExhausted: It is larger.
        """
        if limit is not None and self.size > limit:
            raise ResourceExhausted(f"the file is larger than {limit} bytes", file=self.name)
        return await self._at(0, self.size)

    async def chunks(self, size: int = _PIECE) -> AsyncIterator[bytes]:
        """Yield it in pieces of *size* bytes."""
        position = 0
        while piece := await self._at(position, size):
            position += len(piece)
            yield piece

    async def _at(self, position: int, size: int) -> bytes:
        if self.size > self._memory:
            return await in_thread(self.peek, position, size)
        return self.peek(position, size)

    def peek(self, position: int, size: int) -> bytes:
        """Return *size* bytes from *position* on; blocks when they are on disk."""
        self._spool.seek(position)
        return self._spool.read(size)


def _base(name: str) -> str:
    return _UNSEEN.sub("", name.replace("\\", "/").rpartition("/")[2])[:255]
