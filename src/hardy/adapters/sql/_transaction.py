"""A transaction from its first statement to its end, whatever happens in between: what is alike on every database."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

from hardy.adapters.sql._batch import Batch
from hardy.adapters.sql._loan import Loan
from hardy.adapters.sql._statement import Statement
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._terms import Dialect, Fetch, Outcome, Terms
from hardy.adapters.sql._turns import Turns
from hardy.adapters.sql._watch import Watch
from hardy.core import Aborted


class Attachment(Protocol):
    """A library that speaks on the connection of a transaction."""

    async def flush(self) -> None:
        """Execute what it has put off."""
        ...

    def undone(self) -> None:
        """A part of the transaction was undone."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Transaction(ABC):
    """Takes a connection at the first statement and gives it back at the end.

    A statement that is cancelled may or may not have run, so the transaction is
    lost: later statements are refused, and the end undoes it. One that fails
    takes with it the part of the transaction it is in, on every database as
    PostgreSQL does: the innermost savepoint, or everything.
    """

    dialect: ClassVar[Dialect]

    def __init__(self, counts: Counts, watch: Watch, terms: Terms) -> None:
        self.terms = terms
        self.conflicted = False
        """Whether it was lost to others, so that doing it all again may help."""
        self._counts = counts
        self._watch = watch
        self._one_at_a_time = Turns()
        self._before: list[str] = []  # what is executed before the next statement: begin, savepoints
        self._started = 0.0
        self._lost: Exception | None = None
        self._over = False
        self._parts: dict[str, int] = {}  # by name, with how many callbacks there were before
        self._part_number = 0
        self._broken: tuple[int, Exception] | None = None  # in how many parts a statement failed, and why
        self._seen: dict[str, int] = {}
        self._after_commit: list[Callable[[], object]] = []
        self.attached: Attachment | None = None
        """What else speaks on the connection."""

    async def run(self, what: Statement, given: dict[str, object], fetch: Fetch) -> Outcome:
        """Execute a statement, beginning the transaction when it is the first."""
        self.check()
        if what.writes and self.terms.read_only:
            raise TypeError(f"a read-only session cannot execute: {what.sql.strip()}")
        turns = self._one_at_a_time
        if turns.busy:
            await turns.take()
        else:
            turns.busy = True
        failed = True
        started = self._started = time.monotonic()
        try:
            if self._lost is not None:
                raise self._lost  # the one before us was cancelled
            self.count(what.sql, reads=not what.writes)
            outcome = await self._execute(what, given, fetch)
            failed = False
        finally:
            turns.give()
            self._watch.ended(what.sql, self.terms.operation, max(started, self._started), failed=failed)
        return outcome

    def count(self, sql: str, *, reads: bool) -> None:
        """Take note of a statement that is about to be executed."""
        self._counts.statements += 1
        watch = self._watch
        if reads and watch.repeats:
            times = self._seen[sql] = self._seen.get(sql, 0) + 1
            if times == watch.repeats + 1:
                watch.repeated(sql, self.terms.operation, times)

    def ended(self, sql: str, started: float, *, failed: bool) -> None:
        """Take note of its end."""
        self._watch.ended(sql, self.terms.operation, started, failed=failed)

    async def insert(self, batch: Batch) -> int:
        """Insert many rows, beginning the transaction when they are the first; returns how many."""
        self.check()
        if self.terms.read_only:
            raise TypeError(f"a read-only session cannot insert into {batch.table}")
        async with self._one_at_a_time:
            self.check()
            self._counts.statements += 1
            started, failed = time.monotonic(), True
            try:
                await self._insert(batch)
                failed = False
            finally:
                self._watch.ended(batch.sql, self.terms.operation, started, failed=failed)
            return len(batch.rows)

    @abstractmethod
    async def _insert(self, batch: Batch) -> None: ...

    @abstractmethod
    def read(self, sql: str) -> Statement:
        """Return what is known about *sql*."""

    @abstractmethod
    async def _execute(self, what: Statement, given: dict[str, object], fetch: Fetch) -> Outcome:
        """Take what is needed, a connection or the turn to write, note when that is done, and execute *what*."""

    @abstractmethod
    async def _script(self, statements: tuple[str, ...]) -> None:
        """Execute *statements* of our own on the connection there is."""

    @abstractmethod
    async def _end(self, *, failed: bool) -> None:
        """Commit or undo, and give back what was taken."""

    @abstractmethod
    def _closed(self) -> Exception | None:
        """Return why nothing can be executed any more."""

    def check(self) -> None:
        """Raise when no statement may follow."""
        if self._over:
            raise RuntimeError("the transaction of this session is over; a session lives as long as its call or block")
        if self._lost is not None:
            raise self._lost
        if self._broken is not None:
            raise self._broken_off()
        closed = self._closed()
        if closed is not None:
            raise closed

    def lose(self, why: Exception) -> None:
        """Let nothing of the transaction be kept, because of *why*; the first reason counts."""
        if self._lost is None:
            self._lost = why

    def lose_to_cancellation(self) -> None:
        """Let nothing be kept, for nobody knows whether the last statement ran."""
        self.lose(Aborted("a statement of this transaction was cancelled, so nothing of it is kept"))

    def break_off(self, why: Exception) -> None:
        """A statement failed: nothing more of the part it is in."""
        if self._broken is None:
            self._broken = (len(self._parts), why)

    def _broken_off(self) -> Exception:
        _, why = self._broken or (0, None)
        return RuntimeError(
            f"a statement failed before ({why}), so nothing of its transaction is kept; "
            "put what may fail into `async with session.transaction():`"
        )

    async def enter(self) -> str:
        """Begin a part that can be undone by itself, with the next statement; returns its name."""
        self.check()
        if self.attached is not None:
            await self.attached.flush()
        self._part_number += 1
        name = f"part_{self._part_number}"
        self._before.append(f"savepoint {name}")
        self._parts[name] = len(self._after_commit)
        if self.attached is not None:  # who speaks there by itself does not know what comes before
            async with self._one_at_a_time:
                await self._script(())
        return name

    async def leave(self, name: str, *, failed: bool) -> None:
        """End the part called *name*, undoing it when it *failed*.

        Raises:
            RuntimeError: A statement of it failed, and the part went on to its end all the same.
        """
        if self.attached is not None and not failed:
            try:
                await self.attached.flush()
            except BaseException:
                await self.leave(name, failed=True)
                raise
        names, callbacks = list(self._parts), self._parts.get(name, 0)
        depth = names.index(name) if name in self._parts else 0
        for each in names[depth:]:
            del self._parts[each]
        broken = self._broken_off() if self._broken is not None and self._broken[0] > depth else None
        if failed or broken is not None:
            del self._after_commit[callbacks:]  # what they would tell of is not kept
        if broken is not None:
            self._broken = None
        if f"savepoint {name}" in self._before:  # no statement has been in it
            del self._before[self._before.index(f"savepoint {name}") :]
        elif self._lost is None and not self._over and self._broken is None:
            undo = failed or broken is not None
            script = (f"rollback to {name}", f"release {name}") if undo else (f"release {name}",)
            async with self._one_at_a_time:
                self.check()
                await self._script(script)
            if self.attached is not None and undo:
                self.attached.undone()
        elif not failed:
            self.check()
        if broken is not None and not failed:
            raise broken

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Have *callback* called when everything is kept."""
        self._after_commit.append(callback)

    async def lend(self) -> Loan:
        """Begin, and return the connection for somebody else to speak on, too."""
        self.check()
        async with self._one_at_a_time:
            self.check()
            return await self._lend()

    @abstractmethod
    async def _lend(self) -> Loan: ...

    @abstractmethod
    def translate(self, error: Exception) -> Exception:
        """Return the error that a call ends with when the driver raised *error* to somebody else."""

    def attach(self, attachment: Attachment) -> None:
        """Have *attachment* speak on the connection until the end."""
        self.attached = attachment

    def finish_now(self) -> bool:
        """End it well without waiting for anything, when that is possible; tell whether it was."""
        return False

    async def finish(self, *, failed: bool) -> None:
        """Commit, or undo when it *failed* or was lost; gives the connection back in any case.

        Raises:
            Error: What was written is not kept.
        """
        if self._over:
            return
        try:
            if self.attached is not None and not failed and self._lost is None and self._broken is None:
                await self.attached.flush()
        except BaseException:
            self._over = True
            await self._conclude_all(failed=True)
            raise
        self._over = True
        bad = self._lost or (self._broken_off() if self._broken is not None else None)
        await self._conclude_all(failed=failed or bad is not None)
        if not failed:
            if bad is not None:
                raise bad
            await self._committed()

    async def _conclude_all(self, *, failed: bool) -> None:
        attached, self.attached = self.attached, None
        try:
            if attached is not None:
                await attached.close()
        finally:
            await self._end(failed=failed)

    async def _committed(self) -> None:
        for callback in self._after_commit:
            try:
                awaited = callback()
                if isinstance(awaited, Awaitable):
                    await awaited
            except Exception as error:  # what is committed stays so; the loop's handler logs it
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a callback after a commit failed", "exception": error}
                )
