"""The connection of a transaction, lent to a library that brings its own way to speak SQL."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loan:
    """A connection on which the transaction has begun; committing and closing stay with its owner."""

    raw: object
    """The driver's connection."""
    of_connection: dict[str, object]
    """What the library keeps as long as the connection lives."""
    of_pool: dict[str, object]
    """What the library keeps as long as the database is open."""
