"""What an operator says about the database."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from hardy.config import Duration, Url, by_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the data is and how many may use it at once."""

    url: Url = "sqlite:///.hardy/database.db"
    """`postgresql://user:password@host:5432/orders`, or `sqlite:///orders.db` (relative), `sqlite:////var/lib/orders.db`
    (absolute), `sqlite:///:memory:`."""
    replica_urls: tuple[Url, ...] = ()
    """PostgreSQL: copies of the database that may be read from, for sessions that are asked for as `ReadSession`."""
    connections: Annotated[int, Meta(ge=1, le=1000)] = 4
    """PostgreSQL: the most at once. SQLite: those for reading; there is one more, for its one writer at a time."""
    acquire_timeout: Annotated[Duration, Meta(gt=0)] = 5.0
    """How long a call waits for a connection or for its turn to write; then UNAVAILABLE."""
    durable: bool = True
    """SQLite: whether a commit waits for the disk, so that power loss loses nothing acknowledged."""
    slow_statement: Annotated[Duration, Meta(gt=0)] = 0.5
    """Statements that take longer are counted and told as `SlowStatement`."""
    repeats: Annotated[int, Meta(ge=0)] = 20
    """How often a transaction may execute the same read before it is told as `RepeatedStatement`; 0: any number."""
    migrate: Literal["apply", "verify", "ignore"] = by_environment(dev="apply", test="apply", production="verify")
    """What happens when the schema is behind: apply what is missing, refuse to start, or nothing."""
