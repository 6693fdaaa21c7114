"""Where lines go: one write a line, whole, whatever becomes of the stream."""

import io
import os
import select
import threading
from typing import TextIO

from hardy.telemetry._render import Renderer

_PATIENCE = 1.0  # seconds a line waits for a full pipe before it is given up


class Writer:
    """Renders lines and writes them to a stream.

    A line is one ``write`` on the descriptor, so lines of several threads and
    processes do not mix. A logger must not take the service with it: a line
    that cannot be written is counted in ``dropped`` and forgotten.
    """

    __slots__ = ("_descriptor", "_lock", "_render", "_stream", "dropped")

    def __init__(self, stream: TextIO, render: Renderer) -> None:
        self._render = render
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._lock = threading.RLock()
        self.dropped = 0

    def __call__(self, facts: dict[str, object], traceback: str | None) -> None:
        line = self._render(facts, traceback)
        with self._lock:
            try:
                if self._descriptor < 0:
                    self._stream.write(line.decode("utf-8", "replace"))
                    self._stream.flush()
                    return
                written = os.write(self._descriptor, line)
                if written < len(line):
                    self._rest(line[written:])
            except BlockingIOError:
                self._rest(line)
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
