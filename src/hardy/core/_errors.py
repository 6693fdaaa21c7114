"""Errors a service answers with.

The tree, from Exception::

    hardy.core.Error
      x Cancelled  Unknown  DeadlineExceeded  NotFound  AlreadyExists  PermissionDenied
      x ResourceExhausted  FailedPrecondition  Aborted  OutOfRange  Unimplemented
      x Internal  Unavailable  DataLoss  Unauthenticated
      x InvalidArgument
          + Malformed        the bytes are no message (HTTP 400)
          + InvalidMessage   the message breaks its rules, every fault listed (HTTP 422)

What lives here knows no transport: each transport has one table from code to its status.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hardy.core._codes import Code


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a message.

    Example:
        >>> Fault("/quantity", "must be at least 1")
        Fault(pointer='/quantity', detail='must be at least 1')
    """

    pointer: str
    """Where, as a JSON pointer (RFC 6901); empty for the message as a whole."""
    detail: str
    """What, in words for the caller."""


class Error(Exception):
    """An answer to the caller that is not the reply.

    Message and details are **public**: they go to whoever called, so put
    nothing in them that the caller may not know. Anything raised that is not
    an ``Error`` is answered as `Internal` with the call id and nothing else.

    A service's own error subclasses one of the sixteen; its class name gives
    the reason slug:

    Args:
        message: One sentence for the caller.
        retry_after: Seconds after which trying again may help.
        details: Named facts, of types that JSON carries.

    Example:
        >>> class OutOfStock(FailedPrecondition): ...
        >>> error = OutOfStock("sold out", sku="tea")
        >>> error.code.name, error.reason, error.details
        ('FAILED_PRECONDITION', 'out_of_stock', {'sku': 'tea'})
    """

    code: ClassVar[Code] = Code.UNKNOWN

    message: str
    retry_after: float | None
    details: Mapping[str, object]
    reason: str | None = None
    """The slug that names this kind of failure; none for the sixteen themselves."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Derive the reason slug from the class name, unless the class says one."""
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__ and "reason" not in cls.__dict__:
            cls.reason = _slug(cls.__name__)

    def __init__(self, message: str, /, *, retry_after: float | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details = details

    def __str__(self) -> str:
        return self.message


def _slug(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Cancelled(Error):
    """The caller went away or asked to stop."""

    code = Code.CANCELLED


class Unknown(Error):
    """A peer failed without saying how."""

    code = Code.UNKNOWN


class InvalidArgument(Error):
    """The message is wrong, whatever the state of the service."""

    code = Code.INVALID_ARGUMENT


class DeadlineExceeded(Error):
    """The time for the call ran out; the work may or may not be done."""

    code = Code.DEADLINE_EXCEEDED


class NotFound(Error):
    """What was asked for does not exist."""

    code = Code.NOT_FOUND


class AlreadyExists(Error):
    """What was to be created is there already."""

    code = Code.ALREADY_EXISTS


class PermissionDenied(Error):
    """The principal is known and may not do this."""

    code = Code.PERMISSION_DENIED


class ResourceExhausted(Error):
    """A quota, a rate or a size is used up; say `retry_after` where it is known."""

    code = Code.RESOURCE_EXHAUSTED


class FailedPrecondition(Error):
    """The state does not allow it; trying again without a change is useless."""

    code = Code.FAILED_PRECONDITION


class Aborted(Error):
    """A conflict with another call; try the whole transaction again."""

    code = Code.ABORTED


class OutOfRange(Error):
    """Past the end of what exists now."""

    code = Code.OUT_OF_RANGE


class Unimplemented(Error):
    """No such operation here."""

    code = Code.UNIMPLEMENTED


class Internal(Error):
    """A defect of the service; the caller learns nothing more."""

    code = Code.INTERNAL


class Unavailable(Error):
    """Not now; try again after a while."""

    code = Code.UNAVAILABLE


class DataLoss(Error):
    """Stored data is lost or corrupt."""

    code = Code.DATA_LOSS


class Unauthenticated(Error):
    """No valid credentials."""

    code = Code.UNAUTHENTICATED


class Malformed(InvalidArgument):
    """The bytes that arrived are no message at all: broken JSON, wrong UTF-8, too deep."""

    reason = "malformed"


class InvalidMessage(InvalidArgument):
    """The message breaks its rules; every fault is listed, up to a hundred.

    Example:
        >>> error = InvalidMessage([Fault("/quantity", "must be at least 1")])
        >>> error.message
        'quantity must be at least 1'
    """

    reason = "invalid_message"

    faults: tuple[Fault, ...]

    def __init__(self, faults: Sequence[Fault], /) -> None:
        super().__init__(_summary(faults))
        self.faults = tuple(faults)


def _summary(faults: Sequence[Fault]) -> str:
    if len(faults) == 1:
        return f"{faults[0].pointer.lstrip('/').replace('/', '.')} {faults[0].detail}".strip()
    return f"the message has {len(faults)} faults"


CANONICAL: Mapping[Code, type[Error]] = {cls.code: cls for cls in Error.__subclasses__()}
"""The class of each code, `InvalidArgument` for ``INVALID_ARGUMENT`` and so on."""


def error_from_wire(
    code: Code,
    message: str,
    *,
    reason: str | None = None,
    details: Mapping[str, object] | None = None,
    faults: Sequence[Fault] = (),
    retry_after: float | None = None,
    raises: Sequence[type[Error]] = (),
) -> Error:
    """Rebuild the error a peer answered with, so that a client raises what the service raised.

    A *reason* listed in *raises* comes back as that very class; any other
    arrives as the class of its code with ``reason`` set.

    Args:
        raises: The service's own error classes the caller knows.

    Example:
        >>> class OutOfStock(FailedPrecondition): ...
        >>> error_from_wire(Code.FAILED_PRECONDITION, "sold out", reason="out_of_stock", raises=[OutOfStock])
        OutOfStock('sold out')
    """
    if faults:
        error: Error = InvalidMessage(faults)
    else:
        classes: Sequence[type[Error]] = (*raises, Malformed)
        known = next((cls for cls in classes if cls.reason == reason and cls.code is code), None)
        error = Error.__new__(known or CANONICAL[code], message)
        # Not `cls(message)`: a service's own class may take other arguments in its constructor.
        Error.__init__(error, message)
    error.retry_after = retry_after
    error.details = dict(details or {})
    if reason is not None:
        error.reason = reason
    return error
