"""What is counted while a service drains, and what it means."""

import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

_MOST_NOTES = 10


@dataclass(kw_only=True)
class Tally:
    """The requests, calls or streams of one door.

    A request is lost when it was sent, or began at the service, and no whole
    answer came. What was never begun, and was answered at a second attempt, was
    only delayed.
    """

    sent: int = 0
    answered: int = 0
    lost: int = 0
    refused: int = 0
    """Connections refused while the service still had to accept them."""
    cut: int = 0
    """Kept connections that were closed without ``Connection: close``."""
    retried: int = 0
    """Calls answered at a later attempt: the first ended with its connection, and before it began, or it is lost."""
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost."""
        return not (self.lost or self.refused or self.cut)

    def facts(self) -> dict[str, object]:
        """Return the numbers."""
        names = ("sent", "answered", "lost", "refused", "cut", "retried")
        return {**{name: getattr(self, name) for name in names}, "outcomes": dict(self.outcomes)}


class Watch:
    """The course of one run: what the service has to do now, and what was seen to go wrong.

    Args:
        delay: Seconds after the signal in which connections must be accepted.
        rolls: Whether the signal replaces workers, so that they always must be.
    """

    def __init__(self, delay: float, *, rolls: bool) -> None:
        self.http, self.grpc, self.streams = Tally(), Tally(), Tally()
        self.over = False
        """Whether the load has to end."""
        self.begun: set[str] = set()
        """The ids of the calls that the service says it has carried out."""
        self.unanswered: dict[str, Tally] = {}
        """The ids of those whose end the client did not see."""
        self.notes: list[str] = []
        self._delay = delay
        self._rolls = rolls
        self._signalled: float | None = None
        self._numbers = count(1)

    def signal(self) -> None:
        """Take note that the signal was sent."""
        self._signalled = time.monotonic()

    @property
    def is_promised(self) -> bool:
        """Whether the service has to accept connections now."""
        if self._rolls or self._signalled is None:
            return not self.over
        return time.monotonic() < self._signalled + self._delay

    def since(self) -> str:
        """Return how long ago the signal was, for a note."""
        if self._signalled is None:
            return "before the signal"
        return f"{time.monotonic() - self._signalled:.3f} s after the signal"

    def new_id(self) -> str:
        """Return an id for a call."""
        return f"drain-test-{next(self._numbers)}"

    def note(self, text: str) -> None:
        """Keep *text* for the report, if there are not too many."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(f"{text}, {self.since()}")

    def refused(self, tally: Tally, what: str) -> bool:
        """Count a refused connection; return whether the service owed it."""
        if not self.is_promised:
            return False
        tally.refused += 1
        self.note(f"{what}: connection refused")
        return True

    def lose(self, tally: Tally, what: str, how: str) -> None:
        """Count a request that was sent and not answered."""
        tally.lost += 1
        self.note(f"{what}: {how}")

    def settle(self) -> None:
        """Count as lost what the service says to have carried out, and the client heard nothing of."""
        for id_, tally in self.unanswered.items():
            if id_ in self.begun:
                tally.lost += 1
                self.notes.append(f"call {id_} was carried out and not answered")
        self.unanswered.clear()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost."""
        return self.http.is_clean and self.grpc.is_clean and self.streams.is_clean
