"""What a call is: codes, errors, deadlines, operations, and the waist everything composes around.

Floor 0. Imports the standard library only and does no I/O, so that domain and
use cases may import it freely.

Example:
    >>> import asyncio
    >>> async def greet(name: str) -> str:
    ...     return f"hello {name}"
    >>> operation = Operation.of(greet)
    >>> asyncio.run(operation.invoke(operation.message(name="you"), {}))
    'hello you'
"""

from hardy.core._binding import Binding, Exposed
from hardy.core._call import NOT_YET, Call, Written, current_call, new_call_id
from hardy.core._certificate import ClientCertificate
from hardy.core._clock import Clock, SystemClock
from hardy.core._codes import Code
from hardy.core._deadline import Deadline
from hardy.core._diagnostics import EXIT_CODES, BuildFailed, Diagnostic, Place, Severity
from hardy.core._errors import (
    CANONICAL,
    Aborted,
    AlreadyExists,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    Fault,
    Internal,
    InvalidArgument,
    InvalidMessage,
    Malformed,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    error_from_wire,
)
from hardy.core._events import Events
from hardy.core._handler import Handler, Layer, Middleware, compose
from hardy.core._jobs import Jobs
from hardy.core._logger import Logger, SilentLogger
from hardy.core._messages import is_message_type
from hardy.core._metadata import Metadata
from hardy.core._module import publish
from hardy.core._notices import (
    CallEnded,
    Channel,
    ComponentClosed,
    ComponentOpened,
    Emit,
    Level,
    Notice,
    Notices,
    TaskFailed,
    Told,
)
from hardy.core._operation import Operation, Rule
from hardy.core._parameters import MISSING, Kind, Need, Parameter
from hardy.core._principal import Principal, PrincipalKind
from hardy.core._shield import shielded

__all__ = [
    "CANONICAL",
    "EXIT_CODES",
    "MISSING",
    "NOT_YET",
    "Aborted",
    "AlreadyExists",
    "Binding",
    "BuildFailed",
    "Call",
    "CallEnded",
    "Cancelled",
    "Channel",
    "ClientCertificate",
    "Clock",
    "Code",
    "ComponentClosed",
    "ComponentOpened",
    "DataLoss",
    "Deadline",
    "DeadlineExceeded",
    "Diagnostic",
    "Emit",
    "Error",
    "Events",
    "Exposed",
    "FailedPrecondition",
    "Fault",
    "Handler",
    "Internal",
    "InvalidArgument",
    "InvalidMessage",
    "Jobs",
    "Kind",
    "Layer",
    "Level",
    "Logger",
    "Malformed",
    "Metadata",
    "Middleware",
    "Need",
    "NotFound",
    "Notice",
    "Notices",
    "Operation",
    "OutOfRange",
    "Parameter",
    "PermissionDenied",
    "Place",
    "Principal",
    "PrincipalKind",
    "ResourceExhausted",
    "Rule",
    "Severity",
    "SilentLogger",
    "SystemClock",
    "TaskFailed",
    "Told",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "Written",
    "compose",
    "current_call",
    "error_from_wire",
    "is_message_type",
    "new_call_id",
    "publish",
    "shielded",
]

publish(__name__, globals())
