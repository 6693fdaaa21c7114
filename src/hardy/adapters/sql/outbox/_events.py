"""The need `Events`, fulfilled by rows in the caller's transaction."""

from collections.abc import Callable

from hardy.adapters.sql._session import Session
from hardy.adapters.sql.outbox._store import write
from hardy.core import current_call
from hardy.messaging import Catalogue


class SqlEvents:
    """Writes events into the outbox, in one transaction with everything else of the call.

    Made by `Outbox`.
    """

    __slots__ = ("_catalogue", "_session", "_wake")

    def __init__(self, session: Session, catalogue: Catalogue, wake: Callable[[int], None]) -> None:
        self._session = session
        self._catalogue = catalogue
        self._wake = wake

    async def publish(self, *events: object) -> None:
        """Publish *events*, in this order, when the transaction is committed.

        Raises:
            TypeError: The class of an event has no topic.
        """
        call = current_call()
        envelopes = [self._catalogue.wrap(each, call) for each in events]
        if envelopes:
            await write(self._session, envelopes)
            count = len(envelopes)
            self._session.after_commit(lambda: self._wake(count))
