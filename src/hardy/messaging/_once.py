"""The port by which a consumer knows what it has done already."""

from typing import Protocol


class Once(Protocol):
    """Remembers, in the transaction of the call, which events its group has dealt with.

    A component that brings it makes the consumers of the service exactly-once
    in their effects: what they write and the mark that it was written are kept
    together or not at all.
    """

    async def first(self, group: str, id: str) -> bool:
        """Mark the event as dealt with by *group*; return whether it was not before.

        While another transaction is about to mark the same event, this waits
        for its end.
        """
        ...
