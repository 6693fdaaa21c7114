"""Which loads that run began before their key was forgotten, known to this process without asking the store."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager


class Epochs:
    """Counts for each key and tag that is being loaded how often it has been forgotten since.

    The store tells loads apart as long as it is there; this does while it is not.
    """

    def __init__(self) -> None:
        self._flying: dict[str, list[int]] = {}
        """How many hold the name, and its epoch."""

    def of(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the epochs of *names*."""
        return tuple(self._flying[name][1] if name in self._flying else 0 for name in names)

    def forget(self, names: Sequence[str]) -> None:
        """Begin a new epoch for each of *names*."""
        for name in names:
            if name in self._flying:
                self._flying[name][1] += 1

    @contextmanager
    def hold(self, names: Sequence[str]) -> Generator[None, None, None]:
        """Keep the epochs of *names* while something of them is being loaded."""
        for name in names:
            self._flying.setdefault(name, [0, 0])[0] += 1
        try:
            yield
        finally:
            for name in names:
                held = self._flying[name]
                held[0] -= 1
                if not held[0]:
                    del self._flying[name]
