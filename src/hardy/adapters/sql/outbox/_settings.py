"""What an operator says about the outbox."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from hardy.config import Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """How the outbox hands events on."""

    relay: bool = True
    """Whether this process hands events on; one that does not only writes them, for others to hand on."""
    poll: Annotated[Duration, Meta(gt=0)] = 1.0
    """How long a relay waits before it looks for what others have written; its own writes wake it."""
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 200
    """Events in one round."""
    lease: Annotated[Duration, Meta(gt=0)] = 15.0
    """How long a round may take; after a relay was killed its keys wait so long for another."""
    keep: Annotated[Duration, Meta(ge=0)] = 3600.0
    """How long events that were sent are kept; 0 deletes them at once."""
    on_dead: Literal["hold", "skip"] = "hold"
    """Whether the events behind a dead letter of their key wait until it is replayed or discarded, or go on."""
    attempts: Annotated[int, Meta(ge=1)] = 10
    """How often an event that the broker refuses is tried; while the broker is not there nothing is counted."""
    warn_after: Annotated[Duration, Meta(gt=0)] = 30.0
    """How long events may wait behind an open transaction before `OutboxHeldBack` is told."""
