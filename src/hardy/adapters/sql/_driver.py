"""What a database is spoken to with: opens connections, begins transactions on them."""

from typing import ClassVar, Protocol

from hardy.adapters.sql._terms import Dialect, Terms
from hardy.adapters.sql._transaction import Transaction


class Driver(Protocol):
    """One open database."""

    dialect: ClassVar[Dialect]

    @property
    def connections(self) -> int:
        """How many are open."""
        ...

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        ...

    async def open(self, schema: str | None) -> None:
        """Connect and execute *schema*.

        Raises:
            BuildFailed: The database cannot be used, or the schema is wrong.
        """
        ...

    def begin(self, terms: Terms) -> Transaction:
        """Return a transaction that has not begun yet."""
        ...

    async def close(self) -> None:
        """Stop what runs and close every connection."""
        ...
