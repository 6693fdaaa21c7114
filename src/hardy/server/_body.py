"""The body of a request on its way from the socket to the handler.

A framing says where the body ends; an inbox keeps what has arrived until the
handler takes it, and has the connection stop reading when that is too much.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

from hardy.server._errors import BodyMalformed, ClientGone

_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,15})"
    rb"((?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|\"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*\"))?)*)"
).fullmatch
_SIZE_START = re.compile(rb"[0-9A-Fa-f]{1,15}[ \t]*(?:;[\t -~\x80-\xff]*)?\r?").fullmatch
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*").fullmatch
_LONGEST_LINE = 4096
_MOST_OVERHEAD = 16 * 1024


class Framing(Protocol):
    """Says where a body ends.

    Attributes:
        done: Nothing of the body is still to come.
        remaining: Bytes still to come; -1 when nobody knows.
    """

    done: bool
    remaining: int

    def feed(self, data: bytes, start: int, out: bytearray) -> int:
        """Append the body's bytes in *data* from *start* to *out*; return where what follows begins.

        Raises:
            BodyMalformed: The framing is broken.
        """
        ...


class Counted:
    """A body of ``Content-Length`` bytes."""

    __slots__ = ("done", "remaining")

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.done = False

    def feed(self, data: bytes, start: int, out: bytearray) -> int:
        """Take what belongs to the body."""
        end = min(len(data), start + self.remaining)
        out += data[start:end] if start or end < len(data) else data
        self.remaining -= end - start
        self.done = not self.remaining
        return end


class Chunked:
    """A body in chunks (RFC 9112 section 7.1): extensions and trailers are checked, then ignored.

    Extensions, trailers and the size lines of many tiny chunks are bounded: a
    sender may use 16 KiB for them, and as much as it sends of the body itself.
    """

    __slots__ = ("_after", "_line", "_overhead", "_size", "_trailers", "done", "remaining")

    def __init__(self) -> None:
        self.remaining = -1
        self.done = False
        self._line = b""
        self._size = 0
        self._after = False  # a chunk's data is complete, its line end is not
        self._trailers = False
        self._overhead = 0

    def feed(self, data: bytes, start: int, out: bytearray) -> int:
        """Take what belongs to the body."""
        while start < len(data) and not self.done:
            if self._size:
                end = min(len(data), start + self._size)
                out += data[start:end]
                self._size -= end - start
                self._overhead = max(0, self._overhead - (end - start))
                self._after = not self._size
                start = end
            else:
                start = self._feed_line(data, start)
        return start

    def _feed_line(self, data: bytes, start: int) -> int:
        end = data.find(b"\n", start) + 1
        line = self._line + data[start : end or len(data)]
        self._overhead += (end or len(data)) - start
        if self._overhead > _MOST_OVERHEAD or len(line) > _LONGEST_LINE:
            raise BodyMalformed("too many bytes around the chunks")
        if not end:
            self._line = line
            self._screen(line)
            return len(data)
        self._line = b""
        if line[-2:] != b"\r\n":
            raise BodyMalformed("a line of the chunked body does not end with CR LF")
        self._take_line(line[:-2])
        return end

    def _screen(self, start: bytes) -> None:
        """Refuse a line that cannot become right, so that its sender need not wait."""
        if self._after:
            right = start == b"\r"
        elif self._trailers:
            right = b"\r" not in start[:-1]
        else:
            right = _SIZE_START(start) is not None
        if not right:
            raise BodyMalformed("the chunked body is malformed")

    def _take_line(self, line: bytes) -> None:
        if self._after:
            if line:
                raise BodyMalformed("a chunk is longer than its size")
            self._after = False
        elif self._trailers:
            if not line:
                self.done = True
            elif not _TRAILER(line):
                raise BodyMalformed("a trailer is malformed")
        else:
            found = _SIZE_LINE(line)
            if found is None:
                raise BodyMalformed("a chunk size is malformed")
            self._size = int(found[1], 16)
            self._trailers = not self._size


class Endless:
    """Whatever arrives until the client closes: no HTTP any more."""

    __slots__ = ("done", "remaining")

    def __init__(self) -> None:
        self.remaining = -1
        self.done = False

    def feed(self, data: bytes, start: int, out: bytearray) -> int:
        """Take everything."""
        out += data[start:]
        return len(data)


class Inbox:
    """What has arrived of one body and was not read yet."""

    __slots__ = ("_limit", "_pause", "_resume", "_waiter", "buffer", "discarding", "fault", "framing", "received")

    def __init__(self, framing: Framing, limit: int, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self.framing = framing
        self.buffer = bytearray()
        self.received = 0
        self.discarding = False
        self._limit = limit
        self._pause = pause
        self._resume = resume
        self.fault: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes, start: int) -> int:
        """Take what belongs to the body; return where what follows it begins."""
        before = len(self.buffer)
        try:
            end = self.framing.feed(data, start, self.buffer)
        except BodyMalformed as fault:
            self.fail(fault)
            return len(data)
        self.received += len(self.buffer) - before
        if self.discarding:
            self.buffer.clear()
        elif len(self.buffer) > self._limit and not self.framing.done:
            self._pause()
        self._wake()
        return end

    def fail(self, fault: Exception) -> None:
        """Have the reader get *fault* after what has arrived."""
        if self.fault is None and not self.framing.done:
            self.fault = fault
            self._wake()

    def finish(self) -> None:
        """Have the reader get the end after what has arrived."""
        self.framing.done = True
        self._wake()

    def discard(self) -> None:
        """Throw away what is here and what is to come."""
        self.discarding = True
        self.buffer.clear()
        self._resume()

    async def take(self) -> bytes:
        """Return what has arrived, waiting for the first byte; ``b""`` after the last."""
        while not self.buffer:
            if self.fault is not None:
                raise self.fault
            if self.framing.done:
                return b""
            if self._waiter is not None:
                raise RuntimeError("two tasks read the same body")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        piece = bytes(self.buffer)
        self.buffer.clear()
        self._resume()
        return piece

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def gone() -> ClientGone:
    """Return the error for a client that left."""
    return ClientGone("the client is gone")
