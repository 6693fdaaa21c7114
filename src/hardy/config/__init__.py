"""Settings: a frozen dataclass, filled from files, variables, secrets and flags, knowing where each value is from.

Everything wrong is reported at once, with the variable, its source and line,
the rule and the remedy. What is secret is never printed.

Example:
    >>> from dataclasses import dataclass
    >>> from typing import ClassVar
    >>> @dataclass(frozen=True, slots=True, kw_only=True)
    ... class MailSettings(Settings):
    ...     prefix: ClassVar[str] = "MAIL"
    ...     retry_after: Duration = 30.0
    ...     token: Secret[str]
    >>> load(MailSettings, environ={"MAIL_TOKEN": "s3cret", "MAIL_RETRY_AFTER": "5m"}).values[-2].value
    '5m'
"""

from hardy.config._assemble import Value
from hardy.config._documents import declared, describe, env_example, reference
from hardy.config._environment import Environment, by_environment
from hardy.config._load import Loaded, load
from hardy.config._secret import Secret
from hardy.config._sections import (
    AdminSettings,
    GrpcSettings,
    HttpSettings,
    LimitSettings,
    ShutdownSettings,
    TelemetrySettings,
    TlsSettings,
)
from hardy.config._settings import Settings
from hardy.config._units import Duration, Size, Url, redact_url
from hardy.core._module import publish

__all__ = [
    "AdminSettings",
    "Duration",
    "Environment",
    "GrpcSettings",
    "HttpSettings",
    "LimitSettings",
    "Loaded",
    "Secret",
    "Settings",
    "ShutdownSettings",
    "Size",
    "TelemetrySettings",
    "TlsSettings",
    "Url",
    "Value",
    "by_environment",
    "declared",
    "describe",
    "env_example",
    "load",
    "redact_url",
    "reference",
]

publish(__name__, globals())
