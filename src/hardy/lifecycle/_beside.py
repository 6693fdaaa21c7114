"""A process that runs one command, while others serve."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beside:
    """What components are wired with in a process that carries out one command beside the service.

    A component that works in the background for the whole service (a relay, a
    deletion of what has expired) asks for it in its ``wire``, and leaves that work
    to the processes that serve when it is given one: they have the consumers, and a
    command must not wait for its turn to write behind it.

    Example:
        >>> class Sweeper:
        ...     works = True
        ...
        ...     def wire(self, *, beside: Beside | None = None) -> None:
        ...         self.works = beside is None
    """
