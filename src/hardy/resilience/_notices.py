"""What policies notice."""

from dataclasses import dataclass

from hardy.core import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadBegan(Notice):
    """More calls come than can be carried out; from now on some are refused."""

    delay: float
    """Seconds that the event loop was late for longer than an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadEnded(Notice):
    """Every call is carried out again."""

    seconds: float
    """How long it lasted."""
    shed: int
    """Calls that were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallShed(Notice):
    """A call was refused because of overload, before anything was done for it."""

    transport: str
    operation: str = ""
    """Empty where a door refused it before it was known which one is called."""
