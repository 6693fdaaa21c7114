"""The logger a call carries: a port, so that core imports no logging library."""

from typing import Protocol


class Logger(Protocol):
    """Writes structured lines: an event in words and named facts.

    A use case that needs it asks for ``log: Logger``; ``call.log`` is the same
    one. Every line carries the call id and the operation by itself.
    """

    def debug(self, event: str, /, **facts: object) -> None:
        """Write a line for the developer."""
        ...

    def info(self, event: str, /, **facts: object) -> None:
        """Write a line of normal work."""
        ...

    def warning(self, event: str, /, **facts: object) -> None:
        """Write a line somebody should look at in daylight."""
        ...

    def error(self, event: str, /, **facts: object) -> None:
        """Write a line about something that failed."""
        ...

    def exception(self, event: str, /, **facts: object) -> None:
        """Write a line about the exception being handled, with its traceback."""
        ...

    def bind(self, **facts: object) -> "Logger":
        """Return a logger that adds *facts* to each of its lines."""
        ...


class SilentLogger:
    """Writes nothing: what a call carries outside an app.

    Example:
        >>> SilentLogger().info("nobody reads this")
    """

    def debug(self, event: str, /, **facts: object) -> None:
        """Do nothing."""

    def info(self, event: str, /, **facts: object) -> None:
        """Do nothing."""

    def warning(self, event: str, /, **facts: object) -> None:
        """Do nothing."""

    def error(self, event: str, /, **facts: object) -> None:
        """Do nothing."""

    def exception(self, event: str, /, **facts: object) -> None:
        """Do nothing."""

    def bind(self, **facts: object) -> Logger:
        """Return itself: there is nothing to add to."""
        return self
