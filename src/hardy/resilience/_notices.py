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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimited(Notice):
    """A call was one more than a rate limit allows, and was refused."""

    limit: str
    operation: str
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterFailed(Notice):
    """What counts calls cannot be asked; told once, until it can again."""

    limit: str
    operation: str
    on_failure: str
    """``"open"``: calls pass uncounted; ``"closed"``: they are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterRecovered(Notice):
    """Calls are counted again."""

    limit: str
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReplayed(Notice):
    """A call came again under its key, and was answered with what is kept of the first."""

    operation: str
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLost(Notice):
    """A call was carried out under a key, and its outcome could not be kept: should it come again, it runs again."""

    operation: str
    error: str
