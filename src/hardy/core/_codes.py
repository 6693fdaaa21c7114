"""The sixteen canonical codes: what went wrong, in words every transport knows."""

from enum import Enum


class Code(Enum):
    """A canonical error code, equal in name, number and meaning to gRPC's.

    There is no ``OK``: an error with an OK code has no meaning, and a call
    that succeeds has no error.

    Source: the gRPC status codes (``google.rpc.Code``).

    Example:
        >>> Code.NOT_FOUND.number
        5
        >>> Code.of_number(5) is Code.NOT_FOUND
        True
    """

    CANCELLED = 1
    """The caller went away or asked to stop."""
    UNKNOWN = 2
    """A peer failed without saying how."""
    INVALID_ARGUMENT = 3
    """The message is wrong, whatever the state of the service."""
    DEADLINE_EXCEEDED = 4
    """The time for the call ran out; the work may or may not be done."""
    NOT_FOUND = 5
    """What was asked for does not exist."""
    ALREADY_EXISTS = 6
    """What was to be created is there already."""
    PERMISSION_DENIED = 7
    """The principal is known and may not do this."""
    RESOURCE_EXHAUSTED = 8
    """A quota, a rate or a size is used up."""
    FAILED_PRECONDITION = 9
    """The state does not allow it; trying again without a change is useless."""
    ABORTED = 10
    """A conflict with another call; try the whole transaction again."""
    OUT_OF_RANGE = 11
    """Past the end of what exists now."""
    UNIMPLEMENTED = 12
    """No such operation here."""
    INTERNAL = 13
    """A defect of the service; the caller learns nothing more."""
    UNAVAILABLE = 14
    """Not now; try again after a while."""
    DATA_LOSS = 15
    """Stored data is lost or corrupt."""
    UNAUTHENTICATED = 16
    """No valid credentials."""

    @property
    def number(self) -> int:
        """The code's number on the wire."""
        return self.value

    @classmethod
    def of_number(cls, number: int) -> "Code":
        """Return the code of a wire *number*; what nobody knows is ``UNKNOWN``."""
        return _BY_NUMBER.get(number, cls.UNKNOWN)

    @classmethod
    def of_name(cls, name: str) -> "Code":
        """Return the code called *name*; what nobody knows is ``UNKNOWN``."""
        return cls.__members__.get(name, cls.UNKNOWN)


_BY_NUMBER = {code.value: code for code in Code}
