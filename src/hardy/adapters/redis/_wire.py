"""One connection: commands out in batches, replies in, each to the one who asked."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from hardy.adapters.redis._hiredis import ProtocolError, PushNotification, Reader
from hardy.core import Unavailable

_NOTHING = object()

Push = Callable[[list[object]], None]
"""Takes what the server says without being asked."""


class Lost(Unavailable):
    """The connection went away; whether the command was carried out is not known."""

    reason = None


class Wire(asyncio.Protocol):
    """The protocol of one connection, from its opening to its end; it is never reopened.

    Commands of one tick of the loop leave in one write. The server answers in
    order, so each reply belongs to the oldest command that has none; one whose
    caller has gone meanwhile is read and dropped, and nothing gets mixed up.

    Args:
        silence: Seconds without a byte, while a reply is owed, after which the
            other end is taken for dead.
        push: Takes published messages.
    """

    __slots__ = (
        "_heard",
        "_loop",
        "_out",
        "_patient",
        "_paused",
        "_push",
        "_reader",
        "_silence",
        "_suspect",
        "_timer",
        "_transport",
        "_waiting",
        "lost",
        "writes",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, *, silence: float, push: Push) -> None:
        self._loop = loop
        self._silence = silence
        self._push = push
        self._reader = Reader(notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._out: list[tuple[bytes, asyncio.Future[object] | None]] = []
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._paused = False
        self._heard = self._patient = 0.0
        self._suspect = False
        self._timer: asyncio.TimerHandle | None = None
        self.writes = 0
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the connection is over."""

    def send(self, command: bytes) -> "asyncio.Future[object]":
        """Send a packed *command* at the end of this tick, and return its reply to come."""
        if self.lost.done():
            raise Lost("the connection to the shared store was lost", retry_after=1)
        reply: asyncio.Future[object] = self._loop.create_future()
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append((command, reply))
        return reply

    def be_patient(self, seconds: float) -> None:
        """Take silence for nothing bad for so many seconds: somebody waits for something that takes long."""
        self._patient = max(self._patient, self._loop.time() + seconds)

    def allow_silence(self, seconds: float) -> None:
        """Take a silence of so many seconds, from now on, for the death of the other end."""
        self._silence = seconds
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._watch()

    def say(self, command: bytes) -> None:
        """Send a *command* that has no reply of its own, but a push: ``SUBSCRIBE`` and its like."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append((command, None))

    def abort(self) -> None:
        """End the connection without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        if self._paused or self._transport is None or not self._out:
            return
        # A caller that left before this moment is not served at all.
        batch = [(command, reply) for command, reply in self._out if reply is None or not reply.done()]
        self._out.clear()
        if self.lost.done():
            self._fail([reply for _, reply in batch if reply is not None])
        elif batch:
            self.writes += 1
            if not self._waiting:
                self._watch()
            self._waiting.extend(reply for _, reply in batch if reply is not None)
            self._transport.write(b"".join([command for command, _ in batch]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand each complete reply to the oldest command that has none."""
        self._heard = self._loop.time()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                if type(reply) is PushNotification:
                    self._push(cast("list[object]", reply))
                    continue
                asked = self._waiting.popleft()
                if not asked.done():
                    asked.set_result(reply)
        except (ProtocolError, IndexError):  # not what was asked for: nothing after it can be trusted
            self.abort()

    def pause_writing(self) -> None:
        """Keep commands back while the other end does not read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Send what was kept back."""
        self._paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.lost.done():
            self.lost.set_result(None)
        waiting = [*self._waiting, *(reply for _, reply in self._out if reply is not None)]
        self._waiting.clear()
        self._out.clear()
        self._fail(waiting)

    def _fail(self, waiting: "list[asyncio.Future[object]]") -> None:
        for reply in waiting:
            if not reply.done():
                reply.set_exception(Lost("the connection to the shared store was lost", retry_after=1))

    def _watch(self) -> None:
        self._heard = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._silence, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        left = max(self._heard + self._silence, self._patient) - self._loop.time()
        if left <= 0 and self._suspect:
            self.abort()
            return
        # After a stall of our own loop its bytes may lie unread: it gets one more turn.
        self._suspect = left <= 0
        self._timer = self._loop.call_later(max(left, 0.05), self._look)
