"""What an operator says about the database."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from hardy.config import Duration, Url, by_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the data is and how many may use it at once."""

    url: Url = "sqlite:///.hardy/database.db"
    """`sqlite:///orders.db` (relative), `sqlite:////var/lib/orders.db` (absolute), or `sqlite:///:memory:`."""
    connections: Annotated[int, Meta(ge=1, le=64)] = 4
    """Connections for reading; there is one more for writing, as SQLite has one writer at a time."""
    acquire_timeout: Annotated[Duration, Meta(gt=0)] = 5.0
    """How long a call waits for a connection or for its turn to write; then UNAVAILABLE."""
    durable: bool = True
    """Whether a commit waits for the disk, so that power loss loses nothing acknowledged."""
    migrate: Literal["apply", "verify", "ignore"] = by_environment(dev="apply", test="apply", production="verify")
    """What happens when the schema is behind: apply what is missing, refuse to start, or nothing."""
