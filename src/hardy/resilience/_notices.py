"""What policies notice."""

from dataclasses import dataclass
from typing import ClassVar

from hardy.core import Level, Notice, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadBegan(Told):
    """More calls come than can be carried out; from now on some are refused."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "overloaded: calls are refused until the event loop keeps up"

    delay: float
    """Seconds that the event loop was late for longer than an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadEnded(Told):
    """Every call is carried out again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "no longer overloaded"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimited(Notice):
    """A call was one more than a rate limit allows, and was refused."""

    limit: str
    operation: str
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterFailed(Told):
    """What counts calls cannot be asked; told once, until it can again."""

    level: ClassVar[Level] = "warning"
    says: ClassVar[str] = "calls cannot be counted"

    limit: str
    operation: str
    on_failure: str
    """``"open"``: calls pass uncounted; ``"closed"``: they are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterRecovered(Told):
    """Calls are counted again."""

    level: ClassVar[Level] = "info"
    says: ClassVar[str] = "calls are counted again"

    limit: str
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReplayed(Notice):
    """A call came again under its key, and was answered with what is kept of the first."""

    operation: str
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLost(Told):
    """A call was carried out under a key, and its outcome could not be kept: should it come again, it runs again."""

    level: ClassVar[Level] = "error"
    says: ClassVar[str] = "the outcome of a call with a key could not be kept"

    operation: str
    call: str
    """Its id."""
    error: str
