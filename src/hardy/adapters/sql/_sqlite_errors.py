"""From SQLite's error codes to ours."""

import sqlite3

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

BUSY, LOCKED, INTERRUPT, CONSTRAINT = 5, 6, 9, 19
BUSY_SNAPSHOT = 517
_UNIQUE = frozenset({1555, 2067, 2579})  # a primary key, a unique index, a rowid
_FOREIGN_KEY, _NOT_NULL, _CHECK, _TRIGGER = 787, 1299, 275, 1811
_GONE = frozenset({8, 10, 13, 14})  # read-only, input/output, disk full, cannot open
_DAMAGED = frozenset({11, 26})  # corrupt, not a database
_TOO_BIG, _MISMATCH = 18, 20


def code_of(error: BaseException) -> int:
    """Return SQLite's extended code; 0 for what it did not raise."""
    return getattr(error, "sqlite_errorcode", 0) if isinstance(error, sqlite3.Error) else 0


def is_busy(error: BaseException) -> bool:
    """Tell whether somebody else writes just now, so that waiting helps."""
    code = code_of(error)
    return code != BUSY_SNAPSHOT and code & 0xFF in {BUSY, LOCKED}


def is_outdated(error: BaseException) -> bool:
    """Tell whether a transaction may not write because others have written since it began to read."""
    return code_of(error) == BUSY_SNAPSHOT


def translate(error: Exception) -> Exception:
    """Return the error that a call ends with; *error* itself when it is a defect.

    A unique violation is AlreadyExists with the field, a missing or still
    needed record FailedPrecondition, a broken check or a missing value
    InvalidArgument; what others wrote meanwhile Aborted; a disk that is full or
    gone Unavailable; damage DataLoss.
    """
    if isinstance(error, OverflowError):
        return InvalidArgument("a number is too large to be stored")
    if isinstance(error, UnicodeEncodeError):
        return InvalidArgument("a text has characters that cannot be stored")
    code = code_of(error)
    primary = code & 0xFF
    if primary == CONSTRAINT:
        return _constraint(error, code)
    if code == BUSY_SNAPSHOT:
        return Aborted("what this call has read was changed meanwhile; try again")
    if primary in {BUSY, LOCKED}:
        return Unavailable("the database is busy", retry_after=1)
    if primary == INTERRUPT:
        return DeadlineExceeded("the time for the statement ran out")
    if primary in _GONE:
        return Unavailable("the database cannot be used now", retry_after=1)
    if primary in _DAMAGED:
        return DataLoss("the database is damaged")
    if primary == _TOO_BIG:
        return InvalidArgument("a value is too large to be stored")
    if primary == _MISMATCH:
        return InvalidArgument("a value does not fit its column")
    return error


def _constraint(error: Exception, code: int) -> Error:
    _, _, what = str(error).partition("constraint failed: ")
    names = [name.rpartition(".")[2] for name in what.split(", ")] if what and " '" not in what else []
    field = names[0] if len(names) == 1 else None
    if code in _UNIQUE:
        if field:
            return AlreadyExists(f"this {field} is taken", field=field)
        return AlreadyExists(f"this {' and '.join(names)} is taken" if names else "it exists already", fields=names)
    if code == _FOREIGN_KEY:
        return FailedPrecondition("something this refers to does not exist, or something still refers to this")
    if code == _NOT_NULL:
        return InvalidArgument(f"{field or 'a value'} is required", field=field)
    if code == _CHECK:
        return InvalidArgument("a value breaks a rule of the database", rule=what)
    if code == _TRIGGER:
        return FailedPrecondition(str(error))
    return InvalidArgument("a value does not fit its column")
