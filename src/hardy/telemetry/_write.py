"""Where lines go: whole, in order, whatever becomes of the stream."""

import asyncio
import io
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Protocol, TextIO

import msgspec

from hardy.telemetry._render import Renderer


class Late(Protocol):
    """A line that is rendered when it is written: with others at once that costs a fraction."""

    def render(self) -> msgspec.Raw | msgspec.Struct:
        """Return the line without its end: rendered, or as what is JSON once it is encoded."""
        ...


Line = msgspec.Raw | Late
"""A line without its end, or what makes it."""

_encode_lines = msgspec.json.Encoder().encode_lines
_PATIENCE = 1.0  # seconds a line waits for a full pipe before it is given up


class Writer:
    """Renders lines and writes them to a stream.

    Lines of one turn of the event loop go out together at its end, for a write
    costs as much as all the rest of an access line. Errors, and lines from
    outside a loop, go at once and take along what waits before them. One write
    is whole lines and at most what a pipe takes in one piece, so lines of
    several threads and processes do not mix.

    A logger must not take the service with it: a line that cannot be written is
    counted in ``dropped`` and forgotten.
    """

    __slots__ = ("_asked", "_descriptor", "_is_closed", "_lock", "_stream", "_thread", "_waiting", "dropped", "render")

    def __init__(self, stream: TextIO, render: Renderer) -> None:
        self.render = render
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._lock = threading.RLock()
        self._waiting: deque[Line] = deque()
        self._asked = False
        """The loop will flush. Unset before lines are taken, so one that was put while it stood is among them."""
        self._thread = 0
        self._is_closed: Callable[[], bool] = lambda: True  # no loop was asked yet
        self.dropped = 0

    def __call__(self, facts: dict[str, object], traceback: str | None) -> None:
        urgent = facts.get("level") == "error"
        self.put(msgspec.Raw(self.render(facts, traceback)), urgent=urgent)

    def put(self, line: Line, *, urgent: bool = False) -> None:
        """Write a *line*."""
        self._waiting.append(line)
        if urgent or self._descriptor < 0:
            self.flush()
        elif self._asked and self._thread == get_ident() and not self._is_closed():
            return  # asking for the loop costs a system call up to Python 3.11; it is the one asked before
        elif (loop := _running_loop()) is None:
            self.flush()
        else:
            with self._lock:
                self._thread, self._is_closed = get_ident(), loop.is_closed
                self._asked = True
            loop.call_soon(self.flush)

    def __del__(self) -> None:
        if self._waiting:
            self.flush()

    def flush(self) -> None:
        """Write every line that waits."""
        with self._lock:
            self._asked = False
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            whole = _encode_lines([each if isinstance(each, msgspec.Raw) else each.render() for each in lines])
            begin, end = 0, len(whole)
            while begin < end:
                cut = end if end - begin <= select.PIPE_BUF else _cut(whole, begin)
                self._write(whole[begin:cut])
                begin = cut

    def _write(self, lines: bytes) -> None:
        try:
            if self._descriptor < 0:
                self._stream.write(lines.decode("utf-8", "replace"))
                self._stream.flush()
                return
            written = os.write(self._descriptor, lines)
            if written < len(lines):
                self._rest(lines[written:])
        except BlockingIOError:
            self._rest(lines)
        except (OSError, ValueError):  # closed, the disk is full, nobody reads the pipe
            self.dropped += 1

    def _rest(self, line: bytes) -> None:
        # The stream was made non-blocking by somebody (a shell, uvloop) and its pipe is full.
        while line:
            _, ready, _ = select.select([], [self._descriptor], [], _PATIENCE)
            if not ready:
                self.dropped += 1
                return
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                continue
            except OSError:
                self.dropped += 1
                return


def _cut(lines: bytes, begin: int) -> int:
    """Return the end of what a pipe takes in one piece of *lines* from *begin* on, or of the first when that is longer.

    What begins with a blank is a row of a traceback and belongs to the line above it.
    """
    cut = lines.rfind(b"\n", begin, begin + select.PIPE_BUF) + 1
    while cut > begin and lines.startswith(b" ", cut):
        cut = lines.rfind(b"\n", begin, cut - 1) + 1
    if cut > begin:
        return cut
    cut = lines.find(b"\n", begin) + 1
    while lines.startswith(b" ", cut):
        cut = lines.find(b"\n", cut) + 1
    return cut


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _descriptor(stream: TextIO) -> int:
    try:
        stream.flush()  # what was printed before comes before
        return stream.fileno()
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return -1


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person reads *stream*."""
    try:
        return stream.isatty()
    except (ValueError, AttributeError):
        return False
