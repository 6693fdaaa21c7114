"""The one table between canonical codes and HTTP statuses, and the errors that only HTTP knows."""

from hardy.core import (
    Cancelled,
    Code,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InvalidArgument,
    InvalidMessage,
    Malformed,
    NotFound,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)
from hardy.resilience import IdempotencyKeyReused
from hardy.server import BodyTimeout, BodyTooLarge, ClientGone, RequestFault

STATUS = {
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 409,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class NoSuchPath(NotFound):
    """No route has this path."""


class WrongHost(InvalidArgument):
    """The request is meant for a host that this service does not answer for."""


class MethodNotAllowed(Unimplemented):
    """The path is known, the method is not."""


class NotAcceptable(InvalidArgument):
    """The client takes none of the forms the reply has."""


class UnsupportedMediaType(InvalidArgument):
    """The body is of a form the operation does not read."""


class UnsupportedCoding(UnsupportedMediaType):
    """The body is compressed in a way that nobody here can undo."""


class PreconditionRequired(FailedPrecondition):
    """The operation must not be tried without ``If-Match``."""


class TooLarge(ResourceExhausted):
    """The body is longer than the limit."""


class TooSlow(DeadlineExceeded):
    """The body did not arrive in time."""


_OWN: dict[type[Error], int] = {
    InvalidMessage: 422,
    IdempotencyKeyReused: 422,
    Malformed: 400,
    NoSuchPath: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    UnsupportedMediaType: 415,
    PreconditionRequired: 428,
    TooLarge: 413,
    TooSlow: 408,
    WrongHost: 421,
}

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    406: Code.INVALID_ARGUMENT,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    412: Code.FAILED_PRECONDITION,
    413: Code.RESOURCE_EXHAUSTED,
    414: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    417: Code.FAILED_PRECONDITION,
    421: Code.INVALID_ARGUMENT,
    422: Code.INVALID_ARGUMENT,
    428: Code.FAILED_PRECONDITION,
    429: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def status_of(error: Error) -> int:
    """Return the HTTP status *error* is answered with.

    Example:
        >>> status_of(NotFound("no such order"))
        404
    """
    return status_of_class(type(error))


def status_of_class(cls: type[Error]) -> int:
    """Return the HTTP status errors of a class are answered with."""
    for parent in cls.__mro__:
        if parent in _OWN:
            return _OWN[parent]
    return STATUS[cls.code]


def code_of(status: int) -> Code:
    """Return the code of a *status* whose answer names none: the inverse, for peers that are not hardy.

    Example:
        >>> code_of(429).name
        'RESOURCE_EXHAUSTED'
    """
    known = _CODES.get(status)
    if known is None:
        known = Code.INVALID_ARGUMENT if 400 <= status < 500 else Code.UNKNOWN
    return known


def from_engine(fault: Exception) -> Error:
    """Return what the call fails with when the engine could not read its body."""
    if isinstance(fault, BodyTooLarge):
        return TooLarge(fault.detail)
    if isinstance(fault, BodyTimeout):
        return TooSlow(fault.detail)
    if isinstance(fault, RequestFault):
        return Malformed(fault.detail)
    if isinstance(fault, ClientGone):
        return Cancelled("the client is gone")
    return Unavailable("the request could not be read")
