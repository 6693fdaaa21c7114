"""The class that a service's own settings extend."""

from dataclasses import dataclass, field
from typing import ClassVar

from hardy.config._environment import Environment, unsettled
from hardy.config._sections import (
    AdminSettings,
    Count,
    GrpcSettings,
    HttpSettings,
    LimitSettings,
    ShutdownSettings,
    TelemetrySettings,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a service is told from outside, frozen.

    Extend it with a dataclass that sets *prefix*: a field ``price_limit`` is
    then read from ``ORDERS_PRICE_LIMIT``, the field ``url`` of a nested
    dataclass ``database`` from ``ORDERS_DATABASE__URL``. `load` fills it;
    tests construct it directly.

    Example:
        >>> Settings(environment="dev").http.host
        '127.0.0.1'
        >>> Settings().shutdown.drain_delay
        5.0
    """

    prefix: ClassVar[str] = "HARDY"

    environment: Environment = "production"
    """Where the service runs; it switches defaults and what is allowed."""
    replicas: Count = 1
    """How many processes of this service run at once, here and elsewhere."""
    http: HttpSettings = field(default_factory=HttpSettings)
    grpc: GrpcSettings = field(default_factory=GrpcSettings)
    admin: AdminSettings = field(default_factory=AdminSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def __post_init__(self) -> None:
        # Only what the environment decides changes, so that a subclass may override this without harm to `load`.
        for name, value in unsettled(self, self.environment).items():
            object.__setattr__(self, name, value)
