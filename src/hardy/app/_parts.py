"""What an app was told, line by line: read by everything that checks, describes and serves it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hardy.auth import Authenticator
from hardy.config import Settings
from hardy.core import Binding, Clock, Diagnostic, Middleware, Operation
from hardy.lifecycle import Component
from hardy.resilience import Limit, Limits
from hardy.transport import http


@dataclass(frozen=True, slots=True)
class Exposure:
    """One ``expose`` line: an operation, the ways to reach it, and its own middleware."""

    operation: Operation
    bindings: tuple[Binding, ...]
    middleware: tuple[Middleware, ...]
    limits: Sequence[Limit] = ()
    """Its own, beside those of the app."""


@dataclass(frozen=True, slots=True)
class MountLine:
    """Somebody's ASGI application under a path."""

    path: str
    application: http.AsgiApp


@dataclass(frozen=True, slots=True)
class Provided:
    """One ``provide`` line."""

    factory: Callable[..., object]
    scope: Literal["call", "app"]


def limits_of(limit: Limits) -> Sequence[Limit]:
    """Return what ``limit=`` was given, one or several, as several."""
    return (limit,) if isinstance(limit, Limit) else limit


class Parts:
    """What a service consists of, as its lines said: `App` adds the verbs that say them."""

    def __init__(
        self,
        name: str,
        settings: Settings | None = None,
        *,
        auth: Authenticator | Sequence[Authenticator] = (),
        version: str = "0.0.0",
        json_case: Literal["snake", "camel"] = "snake",
        clock: Clock | None = None,
        limit: Limits = (),
    ) -> None:
        self.name = name
        self.version = version
        self.settings = settings if settings is not None else Settings(environment="dev")
        self.is_told = settings is not None
        """Whether it was given its settings; `make` gives it those that were loaded otherwise."""
        self.json_case: Literal["snake", "camel"] = json_case
        self.clock = clock
        self.limits: Sequence[Limit] = limits_of(limit)
        self.authenticators: tuple[Authenticator, ...] = tuple(auth) if isinstance(auth, Sequence) else (auth,)
        self.provided: list[Provided] = []
        self.components: list[Component] = []
        self.middleware: list[Middleware] = []
        self.exposures: list[Exposure] = []
        self.mounts: list[MountLine] = []
        self.overrides: list[Mapping[object, object]] = []
        self.faults: list[Diagnostic] = []
        self.running = 0
        """How many services of it are open now."""
