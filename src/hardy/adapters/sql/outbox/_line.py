"""Up to where the table can be read without passing a transaction that is still open."""

from dataclasses import dataclass
from time import monotonic

from hardy.adapters.sql._database import Database

EVERYTHING = 2**62
"""Above every position."""

_TOP = "select coalesce(max(position), 0) from hardy_outbox where state = 'waiting'"
_TRANSACTIONS = """select cast(cast(pg_current_xact_id() as text) as bigint) as own,
    cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint) as oldest"""
_OLDEST = "select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)"


@dataclass(frozen=True, slots=True)
class _Transactions:
    own: int
    oldest: int


class Line:
    """Finds the position below which no row can appear any more.

    Positions are drawn from a sequence before the commit, so a row may appear
    behind the reader's back. A writer takes its transaction id first and its
    position then. So whoever sees position *top*, and takes an id *after* that
    itself, knows that all who hold a position below *top* have smaller ids;
    once those are over (``pg_snapshot_xmin``), everything up to *top* is there
    or never will be.

    The transactions of a SQLite database come one after the other: there it is
    simply everything.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: tuple[int, int] | None = None
        self._since = 0.0
        self.at = EVERYTHING if database.dialect == "sqlite" else 0

    @property
    def is_held(self) -> bool:
        """Whether there is more behind the line, which an open transaction holds back."""
        return self._pending is not None

    @property
    def held_for(self) -> float | None:
        """Seconds that the line has waited for open transactions at one place; ``None`` when it does not."""
        return None if self._pending is None else monotonic() - self._since

    async def advance(self) -> int:
        """Move the line as far as it goes now, and return it."""
        if self.at == EVERYTHING:
            return self.at
        async with self._database.transaction() as session:
            if self._pending is not None:
                oldest = await session.first(int, _OLDEST) or 0
                if not self._reached(oldest):
                    return self.at
            top = await session.first(int, _TOP) or 0
            if top > self.at:
                found = await session.first(_Transactions, _TRANSACTIONS)
                if found is not None:
                    self._pending, self._since = (top, found.own), monotonic()
                    self._reached(found.oldest)
        return self.at

    def _reached(self, oldest: int) -> bool:
        """Move the line to what is pending, when every transaction before that is over."""
        if self._pending is None or oldest < self._pending[1]:
            return False
        self.at, self._pending = self._pending[0], None
        return True
