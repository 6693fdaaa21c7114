"""Migrating SQLite: every migration is one transaction of the file's one writer."""

import asyncio
import os
import random
import re
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from hardy.adapters.sql.migrations import _faults, _revision
from hardy.adapters.sql.migrations._driver import KEPT_NOTHING, KEPT_SOME
from hardy.adapters.sql.migrations._history import Dialect
from hardy.adapters.sql.migrations._migration import Migration, Record
from hardy.adapters.sql.migrations._places import shown
from hardy.adapters.sql.migrations._statements import Statement
from hardy.core import BuildFailed, Diagnostic, shielded

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

LEDGER = """create table if not exists hardy_migrations (
  name text primary key,
  checksum text not null,
  statements integer not null default 0,
  started_at text not null,
  applied_at text
)"""
_BUSY = 30.0
"""Seconds to wait for whoever writes to the file."""
_LOOK_EVERY = 0.03


class Run(Protocol):
    """Runs a function of a connection in the connection's thread."""

    def __call__(self, job: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]:
        """Return what *job* returns."""
        ...


class SqliteDriver:
    """A file, or with *run* the connection of a database that is in memory.

    Args:
        path: The file.
        run: What runs a function on the open connection of a database in memory.
    """

    dialect: ClassVar[Dialect] = "sqlite"

    def __init__(self, path: str, run: Run | None = None) -> None:
        self._path = Path(path)
        self._run: Run = self._run_in_thread if run is None else run
        self._in_memory = run is not None
        self._raw: sqlite3.Connection | None = None

    async def records(self) -> Sequence[Record]:
        """Return what was applied; a file that is not there is not made for that."""
        if not self._in_memory and not self._path.exists():
            return []
        return await self._run(_records)

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncGenerator[None]:
        """Hold a lock on a file beside the database; the system takes it back from a process that dies."""
        if self._in_memory:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f"{self._path.name}-migrating")
        started = time.monotonic()
        while (descriptor := _try_lock(lock)) is None:
            if (waited := time.monotonic() - started) > patience:
                raise BuildFailed([_faults.locked_out(waited, f"it holds a lock on {shown(lock)}")])
            await asyncio.sleep(random.uniform(_LOOK_EVERY / 2, _LOOK_EVERY))
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()
            os.close(descriptor)

    async def apply(self, migration: Migration) -> bool:
        """Apply *migration*, as one transaction unless it is none."""
        function = _revision.function_of(migration, "upgrade") if migration.kind == "python" else None
        if migration.atomic:
            return await self._run(partial(_apply, migration=migration, function=function))
        return await self._run(partial(_apply_one_by_one, migration=migration))

    async def undo(self, migration: Migration) -> None:
        """Undo *migration* in one transaction, or one by one."""
        function = _revision.function_of(migration, "downgrade") if migration.kind == "python" else None
        if function is None and migration.down is None:
            raise BuildFailed([_faults.no_way_down(migration)])
        await self._run(partial(_undo, migration=migration, function=function))

    async def execute(self, statements: Sequence[Statement], source: Migration) -> None:
        """Execute *statements* in one transaction."""

        def job(raw: sqlite3.Connection) -> None:
            with _transaction(raw, source):
                _execute(raw, statements, source)

        await self._run(job)

    async def wipe(self) -> None:
        """Drop every view and table, in one transaction."""
        await self._run(_wipe)

    async def draft(self, metadata: object) -> tuple[str, str]:
        """Return what leads from the file to *metadata*."""

        def job(raw: sqlite3.Connection) -> tuple[str, str]:
            with _sqlalchemy(raw) as connection:
                return _revision.draft(connection, metadata)

        _revision.require_alembic()
        return await self._run(job)

    async def close(self) -> None:
        """Close the file."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    async def _run_in_thread(self, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._raw is None:
            self._raw = self._open()
        raw = self._raw
        work = asyncio.get_running_loop().run_in_executor(None, job, raw)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            raw.interrupt()
            await shielded(_end_of(work), limit=_BUSY)
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise BuildFailed([_unusable(self._path, error)]) from error


async def _end_of(work: asyncio.Future[T]) -> None:
    await asyncio.wait([work])
    if not work.cancelled():
        work.exception()  # it was told to stop, and says so


def _try_lock(path: Path) -> int | None:
    """Lock the file at *path*, which is made for that, and return its descriptor; ``None`` when another has it."""
    import fcntl  # not everywhere that the rest of this file works

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it before has removed it: what was locked then is no file that others would look at.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _records(raw: sqlite3.Connection) -> Sequence[Record]:
    try:
        rows = raw.execute("select name, checksum, applied_at, statements from hardy_migrations").fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise BuildFailed([_unreadable(error)]) from error
    except sqlite3.DatabaseError as error:
        raise BuildFailed([_unreadable(error)]) from error
    return [
        Record(
            name=str(name),
            checksum=str(checksum),
            applied_at=None if applied is None else datetime.fromisoformat(str(applied)),
            statements=int(done),
        )
        for name, checksum, applied, done in rows
    ]


def _apply(raw: sqlite3.Connection, *, migration: Migration, function: Callable[[], object] | None) -> bool:
    with _transaction(raw, migration):
        raw.execute(LEDGER)
        known = raw.execute("select 1 from hardy_migrations where name = ?", [migration.name]).fetchone()
        if known is not None:
            return False
        if function is None:
            _execute(raw, migration.up, migration)
        else:
            _execute_revision(raw, function, migration)
        now = _now()
        raw.execute(
            "insert into hardy_migrations (name, checksum, started_at, applied_at) values (?, ?, ?, ?)",
            [migration.name, migration.checksum, now, now],
        )
    return True


def _apply_one_by_one(raw: sqlite3.Connection, *, migration: Migration) -> bool:
    raw.execute(LEDGER)
    # All of it can be repeated, so one that was corrected begins again.
    raw.execute(
        """insert into hardy_migrations (name, checksum, started_at) values (?, ?, ?) on conflict (name) do update
        set checksum = excluded.checksum, statements = 0 where applied_at is null and checksum <> excluded.checksum""",
        [migration.name, migration.checksum, _now()],
    )
    query = "select statements, applied_at from hardy_migrations where name = ?"
    done, applied = raw.execute(query, [migration.name]).fetchone()
    if applied is not None:
        return False
    for number, statement in enumerate(migration.up[done:], done + 1):
        _execute(raw, [statement], migration, kept=KEPT_SOME)
        raw.execute("update hardy_migrations set statements = ? where name = ?", [number, migration.name])
    raw.execute("update hardy_migrations set applied_at = ? where name = ?", [_now(), migration.name])
    return True


def _undo(raw: sqlite3.Connection, *, migration: Migration, function: Callable[[], object] | None) -> None:
    forget = "delete from hardy_migrations where name = ?"
    if not migration.atomic:
        _execute(raw, migration.down or (), migration, kept=KEPT_SOME)
        raw.execute(forget, [migration.name])
        return
    with _transaction(raw, migration):
        if function is None:
            _execute(raw, migration.down or (), migration)
        else:
            _execute_revision(raw, function, migration)
        raw.execute(forget, [migration.name])


@contextmanager
def _transaction(raw: sqlite3.Connection, migration: Migration) -> Generator[None]:
    """Hold the file's one turn to write. References are looked at once, at the end, so that tables can be rebuilt.

    That is how SQLite wants it: https://www.sqlite.org/lang_altertable.html#otheralter.
    """
    guarded = raw.execute("pragma foreign_keys").fetchone()[0]
    raw.execute("pragma foreign_keys = off")
    try:
        raw.execute("begin immediate")
        yield
        if broken := raw.execute("pragma foreign_key_check").fetchone():
            said = f"a row of `{broken[0]}` refers to a row of `{broken[2]}` that is not there"
            raise BuildFailed([_faults.failed(migration, 0, said, kept=KEPT_NOTHING)])
        raw.execute("commit")
    except sqlite3.Error as error:
        raise BuildFailed([_faults.failed(migration, 0, str(error), kept=KEPT_NOTHING)]) from error
    finally:
        if raw.in_transaction:
            raw.rollback()
        if guarded:
            raw.execute("pragma foreign_keys = on")


def _execute(
    raw: sqlite3.Connection, statements: Sequence[Statement], migration: Migration, *, kept: str = KEPT_NOTHING
) -> None:
    for statement in statements:
        try:
            raw.execute(statement.text).fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise BuildFailed([_faults.failed(migration, statement.line, str(error), kept=kept)]) from error


def _execute_revision(raw: sqlite3.Connection, function: Callable[[], object], migration: Migration) -> None:
    assert migration.path is not None
    try:
        with _sqlalchemy(raw) as connection:
            _revision.execute(function, connection)
    except Exception as error:  # the user's code: whatever it raises, nothing of it is kept
        line = _revision.line_of(error, migration.path)
        raise BuildFailed([_faults.failed(migration, line, _revision.said(error), kept=KEPT_NOTHING)]) from error


class _Held:
    """A connection whose transaction belongs to somebody else: what would end it does nothing."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def commit(self) -> None:
        pass

    rollback = close = commit


@contextmanager
def _sqlalchemy(raw: sqlite3.Connection) -> "Generator[Connection]":
    """See *raw* through SQLAlchemy; its transaction stays ours."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine("sqlite://", creator=lambda: _Held(raw), poolclass=StaticPool)
    with engine.connect() as connection:
        yield connection


def _wipe(raw: sqlite3.Connection) -> None:
    nothing = Migration(name="reset", kind="sql", checksum="")
    with _transaction(raw, nothing):
        query = "select type, name from sqlite_master where type in ('view', 'table') and name not like 'sqlite_%'"
        for kind, name in sorted(raw.execute(query).fetchall(), reverse=True):  # views first
            if raw.execute("select 1 from sqlite_master where name = ?", [name]).fetchone():  # a virtual table's own
                raw.execute(f"drop {kind} " + '"' + re.sub('"', '""', name) + '"')


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _unusable(path: Path, error: Exception) -> Diagnostic:
    return Diagnostic(
        code="H0401",
        title=f"the database at {shown(path)} cannot be opened: {error}",
        helps=("check that the folder exists and can be written",),
    )


def _unreadable(error: sqlite3.Error) -> Diagnostic:
    return Diagnostic(
        code="H0401",
        title=f"the database cannot be read: {error}",
        helps=("check that the file is a database of SQLite, and that nobody locks it",),
    )
