"""From PostgreSQL's SQLSTATEs to our codes."""

import re

from hardy.adapters.sql._asyncpg import (
    ConnectionDoesNotExistError,
    DataError,
    InterfaceError,
    InternalClientError,
    PostgresError,
)
from hardy.core import (
    Aborted,
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InvalidArgument,
    Unavailable,
)

UNIQUE, EXCLUDED, FOREIGN_KEY, NOT_NULL, CHECK = "23505", "23P01", "23503", "23502", "23514"
TOO_LONG, OUT_OF_RANGE = "22001", "22003"
READ_ONLY = "25006"
STALE_PLAN = "0A000"
_KEY = re.compile(r"\(([^)]*)\)=\(")
_UNFIT = frozenset({"22P02", "22P03", "22007", "22008", "22021", "22P05", "22015", "22023", "22032"})
_CONFLICTS = frozenset({"40001", "40P01"})
_LOCKED = "55P03"
_CANCELLED = "57014"
_RAISED = "P0001"
_GONE = frozenset({"57P01", "57P02", "57P03", "57P05", "53100", "53200", "53300", "25P03", "25P04", "58030"})
_DAMAGED = frozenset({"XX001", "XX002"})


def state_of(error: BaseException) -> str:
    """Return the SQLSTATE of *error*; empty for what PostgreSQL did not raise."""
    return str(getattr(error, "sqlstate", None) or "")


def is_conflict(error: BaseException) -> bool:
    """Tell whether others' transactions are the reason, so that doing it all again may help."""
    return state_of(error) in _CONFLICTS


def is_loss(error: BaseException) -> bool:
    """Tell whether the connection is gone with it."""
    if isinstance(error, ConnectionDoesNotExistError | InternalClientError | OSError):
        return not isinstance(error, TimeoutError)
    state = state_of(error)
    if state[:2] == "08" or state in {"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"}:
        return True
    return isinstance(error, InterfaceError) and not isinstance(error, DataError) and "closed" in str(error)


def translate(error: Exception) -> Exception:
    """Return the error that a call ends with; *error* itself when it is a defect.

    A unique violation is AlreadyExists with the field, a missing or still
    needed record FailedPrecondition, a broken check, a missing or too long value
    InvalidArgument; what others did meanwhile Aborted; a connection that is gone
    Unavailable; a cancelled statement DeadlineExceeded; damage DataLoss.
    """
    if isinstance(error, DataError) and error.__cause__ is not None:
        return _refused(error, error.__cause__)
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return _refused(error, error)
    if is_loss(error):
        return Unavailable("the database cannot be reached", retry_after=1)
    if isinstance(error, TimeoutError):
        return DeadlineExceeded("the time for the statement ran out")
    if not isinstance(error, PostgresError):
        return error
    state = state_of(error)
    if state[:2] == "23":
        return _constraint(error, state)
    return _other(error, state)


def _other(error: Exception, state: str) -> Exception:
    if state in _CONFLICTS:
        return Aborted("what this call has read or locked was changed meanwhile; try again")
    if state == _LOCKED:
        return Aborted("somebody else is changing it; try again")
    if state == _CANCELLED:
        return DeadlineExceeded("the time for the statement ran out")
    if state == _RAISED:  # `raise exception` of a function or trigger
        return FailedPrecondition(str(error))
    if state in _GONE:
        return Unavailable("the database cannot be used now", retry_after=1)
    if state in _DAMAGED:
        return DataLoss("the database is damaged")
    if state == TOO_LONG:
        return InvalidArgument("a text is too long to be stored")
    if state == OUT_OF_RANGE:
        return InvalidArgument("a number is too large to be stored")
    if state in _UNFIT:
        return InvalidArgument("a value does not fit its column")
    return error


def _refused(error: Exception, cause: BaseException) -> Exception:
    """Return why the driver could not write a value; its own text quotes the value, which may be anybody's secret."""
    if isinstance(cause, OverflowError):
        return InvalidArgument("a number is too large to be stored")
    if isinstance(cause, UnicodeEncodeError):
        return InvalidArgument("a text has characters that cannot be stored")
    if isinstance(cause, ValueError):
        return InvalidArgument("a value does not fit its column")
    return error


def _constraint(error: Exception, state: str) -> Error:
    found = _KEY.search(str(getattr(error, "detail", None) or ""))
    names = [_plain(each) for each in found[1].split(", ")] if found else []
    field = names[0] if len(names) == 1 else None
    if state in {UNIQUE, EXCLUDED}:
        if field:
            return AlreadyExists(f"this {field} is taken", field=field)
        return AlreadyExists(f"this {' and '.join(names)} is taken" if names else "it exists already", fields=names)
    if state == FOREIGN_KEY:
        return FailedPrecondition("something this refers to does not exist, or something still refers to this")
    if state == NOT_NULL:
        column = getattr(error, "column_name", None)
        return InvalidArgument(f"{column or 'a value'} is required", field=column)
    if state == CHECK:
        return InvalidArgument("a value breaks a rule of the database", rule=getattr(error, "constraint_name", None))
    return InvalidArgument("a value does not fit its column")


def _plain(name: str) -> str:
    # An index on an expression: lower(name::text) is about `name`.
    inner = re.fullmatch(r"\w+\((.*)\)", name)
    return (inner[1] if inner else name).partition("::")[0].strip('"() ')
