"""The component that makes the effects of events happen exactly once."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql._session import Session
from hardy.adapters.sql.outbox._steps import INBOX
from hardy.adapters.sql.outbox._words import words_for
from hardy.core import Emit, Notice, Notices
from hardy.lifecycle import Beside, Tasks
from hardy.messaging import Once

_SWEEP = 600.0
"""Seconds between two deletions of what is kept long enough."""


class SqlOnce:
    """Remembers in the transaction of a session which events were dealt with. Made by `Inbox`."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def first(self, group: str, id: str) -> bool:
        """Mark the event as dealt with by *group*; return whether it was not before."""
        mark = words_for(self._session.dialect).mark
        return bool(await self._session.execute(mark, consumer=group, event=id))


class Inbox:
    """Makes what the consumers of this service write happen exactly once for each event.

    ``app.manage(Inbox())``, after the `Database`. The first statement of a call
    that an event makes is then the mark "this group has dealt with it", in the
    same transaction as everything the use case writes with its `Session`. Both
    are committed or neither is; when the event is delivered again, the mark is
    there, the use case is not called, and the event counts as done. A second
    delivery that comes while the first still runs waits for its end.

    What a use case does outside of the database (a mail, a call to another
    service) is not part of the transaction, and may happen twice.

    Args:
        keep: Seconds that marks are kept: longer than any broker redelivers.
    """

    schema_steps: Sequence[SchemaStep] = INBOX

    def __init__(self, *, keep: float = 7 * 86400.0) -> None:
        self._keep = keep
        self._database: Database | None = None
        self._emit: Emit = _nobody
        self._tasks: Tasks | None = None
        self._beside = False

    def wire(self, *, database: Database, notices: Notices | None = None, beside: Beside | None = None) -> None:
        """Say where marks are kept, and whether others delete those that are old."""
        self._database = database
        self._beside = beside is not None
        self._emit = notices or _nobody

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what the component brings: `Once`, once per call."""

        def once(session: Session) -> Once:
            return self.once(session)

        return (once,)

    def once(self, session: Session) -> Once:
        """Return what marks events in the transaction of *session*."""
        return SqlOnce(session)

    async def __aenter__(self) -> Self:
        """Begin to delete marks that are kept long enough."""
        if not self._beside:
            self._tasks = await Tasks(self._emit).__aenter__()
            self._tasks.start("inbox", self._forget)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop that."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            await tasks.__aexit__(kind, error, traceback)

    async def _forget(self) -> None:
        while True:
            more = await self.forget()
            await asyncio.sleep(0.01 if more else _SWEEP)

    async def forget(self) -> int:
        """Delete some of the marks that are kept long enough; return how many."""
        if self._database is None:
            raise RuntimeError("an inbox is wired before it is used: inbox.wire(database=...)")
        async with self._database.transaction() as session:
            return await session.execute(words_for(session.dialect).forget, keep=float(self._keep))


def _nobody(notice: Notice) -> None:
    """Tell nobody."""
