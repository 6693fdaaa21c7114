"""A transaction on PostgreSQL: begun when there is something to begin it for."""

import asyncio
import math
import time
from collections.abc import Sequence
from typing import ClassVar, cast

from hardy.adapters.sql._asyncpg import FAILURES, STALE, DataError
from hardy.adapters.sql._batch import Batch
from hardy.adapters.sql._loan import Loan
from hardy.adapters.sql._postgres_errors import READ_ONLY, is_conflict, is_loss, state_of, translate
from hardy.adapters.sql._postgres_link import Link
from hardy.adapters.sql._postgres_pool import PostgresPool, Unreachable
from hardy.adapters.sql._postgres_statement import PostgresStatement, postgres_statement
from hardy.adapters.sql._postgres_values import arguments, values, writer_for
from hardy.adapters.sql._statement import Statement
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._terms import Dialect, Fetch, Outcome, Terms
from hardy.adapters.sql._transaction import Transaction
from hardy.adapters.sql._watch import Watch
from hardy.core import Aborted, DeadlineExceeded, Unavailable

_COMMIT = 10.0
"""Seconds for a commit; nobody can say afterwards what became of one that did not answer."""
_GRACE = 1.0
"""Seconds that the server's own limit is behind ours, which it only stands in for."""


class PostgresTransaction(Transaction):
    """A transaction on PostgreSQL.

    At READ COMMITTED every statement sees its own snapshot, inside of a
    transaction and outside. So reads are executed as they come, in connections
    on which the server refuses everything else, and the transaction begins with
    the first statement that the server takes for a write or a lock: a call that
    only reads costs one round trip for each statement and no more.
    """

    dialect: ClassVar[Dialect] = "postgresql"

    def __init__(
        self, pools: Sequence[PostgresPool], counts: Counts, watch: Watch, terms: Terms, *, writing: set[str]
    ) -> None:
        super().__init__(counts, watch, terms)
        self._pool, *self._instead = pools
        self._link: Link | None = None
        self._begun = False
        self._unsettled = False
        self._writing = writing  # reads that turned out to write
        # A snapshot for all statements, or the turn of a writer, is something to begin for.
        self._begins = terms.write or terms.isolation in {"repeatable read", "serializable"}

    def _closed(self) -> Exception | None:
        return Unavailable("the database is closed") if self._pool.closed else None

    def read(self, sql: str) -> Statement:
        """Return what is known about *sql*."""
        return postgres_statement(sql)

    async def _lend(self) -> Loan:
        try:
            if self._link is None:
                self._link = self._pool.take_now() or await self._take()
            await self._begin(self._link)
        except FAILURES as error:
            raise self._failed(error, None) from error
        except asyncio.CancelledError:
            if self._link is not None:
                self._cancelled()
            raise
        return Loan(self._link.raw, self._link.kept, self._pool.kept)

    def translate(self, error: Exception) -> Exception:
        """Return the error that a call ends with when the driver raised *error* to somebody else."""
        known = translate(error)
        if isinstance(known, Aborted | Unavailable | DeadlineExceeded):
            self._counts.conflicts += is_conflict(error)
            self.conflicted = self.conflicted or is_conflict(error)
            self.lose(known)
        return known

    async def _take(self) -> Link:
        while True:
            try:
                return await self._pool.take(self.terms.deadline)
            except Unreachable:
                if not self._instead:
                    raise
                self._pool = self._instead.pop(0)

    async def _execute(self, what: Statement, given: dict[str, object], fetch: Fetch) -> Outcome:
        sql = cast("PostgresStatement", what)
        link = self._link
        if link is None:
            link = self._link = self._pool.take_now()
            if link is None:
                self._link = await self._take()
                self._started = time.monotonic()
        try:
            return await self._attempt(sql, given, fetch)
        except FAILURES as error:
            if not self._may_repeat(error, sql):
                raise self._failed(error, what) from error
            lost = is_loss(error)  # it may take a moment until the connection knows of it, too
        if self._link is not None and (lost or self._link.gone):
            self._pool.doubt()
            self._pool.drop(self._link)
            self._link = await self._take()
        try:
            return await self._attempt(sql, given, fetch)
        except FAILURES as error:
            raise self._failed(error, what) from error

    def _may_repeat(self, error: Exception, what: PostgresStatement) -> bool:
        """Tell whether nothing has happened yet, so that the statement can be executed again in another way."""
        if self._begun or self._over:
            return False
        if state_of(error) == READ_ONLY and not self.terms.read_only:
            if len(self._writing) > 10_000:
                self._writing.clear()
            self._writing.add(what.sql)
            return True
        if isinstance(error, STALE):
            if self._link is not None:
                self._link.prepared.clear()
            return True
        return is_loss(error)

    async def _attempt(self, what: PostgresStatement, given: dict[str, object], fetch: Fetch) -> Outcome:
        link = self._link
        if link is None:  # pragma: no cover  # `_execute` has taken it
            raise RuntimeError("no connection was taken")
        try:
            if self._before or (not self._begun and self._must_begin(what)):
                await self._begin(link)
            prepared = link.prepared.get(what.sql) or await link.prepare(what, self._limit())
            statement = prepared.statement
            given_values = arguments(what.order, prepared.writers, given)
            if what.dirties:
                link.dirty = True
            if fetch == "one":
                row = await statement.fetchrow(*given_values, timeout=self._limit())
                return Outcome(prepared.columns, [] if row is None else [row], 0)
            rows = await statement.fetch(*given_values, timeout=self._limit())
        except BaseException as error:
            if not isinstance(error, Exception) or isinstance(error, TimeoutError):
                self._cancelled()
            raise
        if fetch == "all":
            return Outcome(prepared.columns, rows, 0)
        return Outcome((), [], _changed(statement.get_statusmsg()))

    async def _insert(self, batch: Batch) -> None:
        if self._link is None:
            self._link = self._pool.take_now() or await self._take()
        link = self._link
        what = postgres_statement(f"select {', '.join(batch.columns)} from {batch.table}")  # noqa: S608  # names only
        try:
            await self._begin(link)
            prepared = link.prepared.get(what.sql) or await link.prepare(what, self._limit())
        except FAILURES as error:
            raise self._failed(error, what) from error
        except asyncio.CancelledError:
            self._cancelled()
            raise
        writers = [writer_for(each.type) for each in prepared.statement.get_attributes()]
        await self._copy(link, batch, [values(batch.columns, writers, row) for row in batch.rows])

    async def _copy(self, link: Link, batch: Batch, records: list[tuple[object, ...]]) -> None:
        schema, _, table = batch.table.rpartition(".")
        try:
            await link.raw.copy_records_to_table(
                table, schema_name=schema or None, columns=batch.columns, records=records, timeout=self._limit()
            )
        except (*FAILURES, OverflowError, ValueError, TypeError) as error:
            known = self._failed(error, Statement(batch.sql, frozenset(), writes=True))
            self.break_off(known)  # the server has seen the beginning of it, even when a value could not be sent
            raise known from error
        except asyncio.CancelledError:
            self._cancelled()
            raise

    def _cancelled(self) -> None:
        """The server was asked to stop, and the answer is still to come."""
        self._unsettled = True
        self.lose_to_cancellation()

    def _limit(self) -> float | None:
        at = self.terms.deadline.at
        if at == math.inf:
            return None
        remaining = self.terms.deadline.remaining()
        if remaining <= 0:
            raise DeadlineExceeded("the deadline has passed")
        return remaining

    def _must_begin(self, what: PostgresStatement) -> bool:
        return self._begins or what.writes or what.sql in self._writing

    async def _begin(self, link: Link) -> None:
        if self._begun:
            await self._catch_up(link)
            return
        terms, limit = self.terms, self._limit()
        access = "read only" if terms.read_only else "read write"
        script = [f"begin isolation level {terms.isolation or 'read committed'} {access}"]
        if limit is not None:
            script.append(f"set local statement_timeout = {math.ceil((limit + _GRACE) * 1000)}")
        before, self._before = self._before, []
        try:
            await link.script("; ".join([*script, *before]), limit)
        except Exception:
            self._before = before
            raise
        self._begun = True

    async def _catch_up(self, link: Link) -> None:
        if self._before:
            before, self._before = self._before, []
            await link.script("; ".join(before), self._limit())

    async def _script(self, statements: tuple[str, ...]) -> None:
        link = self._link
        if link is None or not self._begun:
            return
        try:
            await self._catch_up(link)
            if not statements:
                return
            await link.script("; ".join(statements), self._limit())
        except FAILURES as error:
            raise self._failed(error, None) from error
        except BaseException:
            self._cancelled()
            raise

    def _failed(self, error: Exception, what: Statement | None) -> Exception:
        if what is not None:
            error.add_note(f"in: {what.sql.strip()}")
        if self._pool.closed:
            return Unavailable("the database is closed")
        if isinstance(error, TimeoutError):
            self._unsettled = True
        known = translate(error)
        if isinstance(error, STALE):
            known = Aborted("the schema was changed meanwhile; try again")
            if self._link is not None:
                self._link.prepared.clear()
        if isinstance(error, DataError) and error.__cause__ is not None:
            return _unsent(error, known, what)  # the server has seen nothing of it
        if is_conflict(error) or isinstance(error, STALE):
            self._counts.conflicts += 1
            self.conflicted = True
        if isinstance(known, Aborted | Unavailable | DeadlineExceeded):
            if is_loss(error):
                self._pool.doubt()
                if self._link is not None:
                    self._link.terminate()
            self.lose(known)
        elif not self._over:
            self.break_off(known)
        return known

    def finish_now(self) -> bool:
        """End what has only read, or done nothing."""
        if self._begun or self._over or self._unsettled or self._after_commit or self.attached is not None:
            return False
        if self._lost is not None or self._broken is not None:
            return False
        self._over = True
        link, self._link = self._link, None
        if link is not None:
            self._pool.give(link)
        return True

    async def _end(self, *, failed: bool) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        if self._unsettled:
            self._counts.rollbacks += self._begun
            self._pool.settle(link)
        elif self._pool.closed:
            if self._begun and not failed:
                raise Unavailable("the database was closed before the transaction was committed")
        elif not self._begun:
            self._pool.give(link)
        elif failed:
            await self._undo(link)
        else:
            await self._commit(link)

    async def _undo(self, link: Link) -> None:
        self._counts.rollbacks += 1
        try:
            await link.script("rollback", _GRACE)
        except FAILURES:
            self._pool.drop(link)  # which undoes too
        except BaseException:
            self._pool.settle(link)
            raise
        else:
            self._pool.give(link)

    async def _commit(self, link: Link) -> None:
        try:
            tag = await link.script("commit", _COMMIT)
        except FAILURES as error:
            self._counts.rollbacks += 1
            if link.gone or isinstance(error, TimeoutError) or is_loss(error):
                self._pool.doubt()
                self._pool.drop(link)
                raise Unavailable(
                    "the connection to the database was lost during the commit: nobody knows whether this was kept"
                ) from error
            self._pool.settle(link)
            raise self._failed(error, None) from error
        except BaseException:
            self._pool.settle(link)
            raise
        self._pool.give(link)
        if tag != "COMMIT":
            self._counts.rollbacks += 1
            raise Aborted("the database has undone this transaction")
        self._counts.commits += 1


def _changed(tag: str | None) -> int:
    """Return the number at the end of what the server says was done: ``INSERT 0 3``, ``UPDATE 2``, ``SELECT 1``."""
    number = (tag or "").rpartition(" ")[2]
    return int(number) if number.isdigit() else 0


def _unsent(error: Exception, known: Exception, what: Statement | None) -> Exception:
    if known is not error:
        return known
    order = what.order if isinstance(what, PostgresStatement) else ()
    number = str(error).partition("$")[2].partition(":")[0]
    name = order[int(number) - 1] if number.isdigit() and int(number) <= len(order) else "a parameter"
    return TypeError(
        f"`{name}` has a type that the statement does not take there: say which with a cast, `:{name}::text`"
    )
