"""The block of a transaction."""

from types import TracebackType

from hardy.adapters.sql._session import Session
from hardy.adapters.sql._transaction import Transaction
from hardy.core import shielded


class Block:
    """What `Database.transaction` returns, for ``async with``."""

    __slots__ = ("transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction

    async def __aenter__(self) -> Session:
        """Return the session; nothing is begun yet."""
        return Session(self.transaction)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or undo when the block raised."""
        if kind is None and self.transaction.finish_now():
            return
        await shielded(self.transaction.finish(failed=kind is not None))
