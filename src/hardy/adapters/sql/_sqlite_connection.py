"""One SQLite connection, living in a thread of its own."""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

try:
    import aiosqlite
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.sql needs aiosqlite. Install it with: pip install 'hardy[sql]'") from error

T = TypeVar("T")

_STEPS = 2000  # steps of SQLite's machine between two looks at the brake: well under a millisecond
OPENING = 5.0
"""Seconds to wait for other processes while opening."""


class Brake:
    """Stops the statements of one transaction: once pulled, or from a moment on.

    SQLite asks it every few thousand steps. A statement that still waits for
    its thread when the brake is pulled stops too; an interruption, which only
    meets what is running, would pass it by.
    """

    __slots__ = ("at", "pulled")

    def __init__(self, at: float) -> None:
        self.at = at
        """On the monotonic clock."""
        self.pulled = False

    @property
    def on(self) -> bool:
        """Whether to stop."""
        return self.pulled or time.monotonic() > self.at


class Reins:
    """What the driver's thread asks while a statement runs; *brake* is set by the job that runs."""

    __slots__ = ("brake", "closing")

    def __init__(self) -> None:
        self.brake: Brake | None = None
        self.closing = False

    def stop(self) -> bool:
        """Tell SQLite whether to stop."""
        return self.closing or (self.brake is not None and self.brake.on)


class Connection(aiosqlite.Connection):
    """Runs functions of the driver's connection in its thread, one after the other.

    A function is one hop to the thread, however many statements it executes.
    """

    def __init__(self, path: str, *, durable: bool) -> None:
        self.reins = Reins()
        self.kept: dict[str, object] = {}
        """What others keep as long as it lives."""
        super().__init__(partial(_connect, path, self.reins, durable=durable), iter_chunk_size=64)
        # aiosqlite's thread would keep a process alive that ends without closing.
        self._thread.daemon = True

    async def open(self) -> None:
        """Start the thread and connect.

        Raises:
            sqlite3.Error: The file cannot be used.
        """
        try:
            _ = await self
        except BaseException:
            # The thread has still to tell the loop that it ends; a loop that is closed before is told in vain.
            self._thread.join(1)
            raise

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run *job* in the thread and return its result. Cancelled, it still runs: pull its brake."""
        return cast("T", await self._execute(job, self._conn))  # type: ignore[no-untyped-call]  # aiosqlite leaves it bare

    def post(self, job: Callable[[sqlite3.Connection], object]) -> None:
        """Run *job* in the thread before whatever is asked for later, without waiting for it."""
        self._tx.put_nowait((None, partial(job, self._conn)))

    def undo(self, raw: sqlite3.Connection) -> None:
        """Roll back what is open; the last job of every session that does not commit."""
        self.reins.brake = None
        if raw.in_transaction:
            raw.rollback()


def _connect(path: str, reins: Reins, *, durable: bool) -> sqlite3.Connection:
    # Transactions are begun and ended by us (isolation_level None). The driver
    # may be used by one thread at a time, which aiosqlite sees to.
    raw = sqlite3.connect(path, timeout=OPENING, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        raw.execute("pragma journal_mode = wal")
        raw.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
        raw.execute("pragma foreign_keys = on")
        # Waiting for another process is done by the event loop, which can be cancelled.
        raw.execute("pragma busy_timeout = 0")
        raw.set_progress_handler(reins.stop, _STEPS)
    except BaseException:
        raw.close()
        raise
    return raw
