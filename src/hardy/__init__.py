"""hardy: write a typed async function, serve it over REST and gRPC.

The front door: no transport, no adapter. Names are imported on first use, so
``import hardy`` costs next to nothing.

Example:
    >>> import hardy
    >>> hardy.NotFound("no such order").code.name
    'NOT_FOUND'
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardy.app import App, asgi, remote, run
    from hardy.auth import all_of, any_of, has_role, has_scope, internal, public, signed_in
    from hardy.config import Duration, Secret, Settings, Size
    from hardy.core import (
        Aborted,
        AlreadyExists,
        Call,
        Cancelled,
        Clock,
        Code,
        DataLoss,
        Deadline,
        DeadlineExceeded,
        Error,
        Events,
        FailedPrecondition,
        Handler,
        Internal,
        InvalidArgument,
        Jobs,
        Logger,
        Middleware,
        NotFound,
        OutOfRange,
        PermissionDenied,
        Principal,
        ResourceExhausted,
        Unauthenticated,
        Unavailable,
        Unimplemented,
        Unknown,
        current_call,
    )
    from hardy.schema import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf, Pattern

_HOMES = {
    "hardy.app": ("App", "asgi", "remote", "run"),
    "hardy.auth": ("all_of", "any_of", "has_role", "has_scope", "internal", "public", "signed_in"),
    "hardy.config": ("Duration", "Secret", "Settings", "Size"),
    "hardy.core": (
        "Aborted",
        "AlreadyExists",
        "Call",
        "Cancelled",
        "Clock",
        "Code",
        "DataLoss",
        "Deadline",
        "DeadlineExceeded",
        "Error",
        "Events",
        "FailedPrecondition",
        "Handler",
        "Internal",
        "InvalidArgument",
        "Jobs",
        "Logger",
        "Middleware",
        "NotFound",
        "OutOfRange",
        "PermissionDenied",
        "Principal",
        "ResourceExhausted",
        "Unauthenticated",
        "Unavailable",
        "Unimplemented",
        "Unknown",
        "current_call",
    ),
    "hardy.schema": ("Ge", "Gt", "Le", "Lt", "MaxLen", "MinLen", "MultipleOf", "Pattern"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Aborted",
    "AlreadyExists",
    "App",
    "Call",
    "Cancelled",
    "Clock",
    "Code",
    "DataLoss",
    "Deadline",
    "DeadlineExceeded",
    "Duration",
    "Error",
    "Events",
    "FailedPrecondition",
    "Ge",
    "Gt",
    "Handler",
    "Internal",
    "InvalidArgument",
    "Jobs",
    "Le",
    "Logger",
    "Lt",
    "MaxLen",
    "Middleware",
    "MinLen",
    "MultipleOf",
    "NotFound",
    "OutOfRange",
    "Pattern",
    "PermissionDenied",
    "Principal",
    "ResourceExhausted",
    "Secret",
    "Settings",
    "Size",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "all_of",
    "any_of",
    "asgi",
    "current_call",
    "has_role",
    "has_scope",
    "internal",
    "public",
    "remote",
    "run",
    "signed_in",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hardy' has no attribute {name!r}")
    value: object = getattr(_import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
