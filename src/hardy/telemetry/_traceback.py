"""A traceback as text: bounded, and free of what looks like a credential."""

import sys
from traceback import TracebackException
from types import TracebackType

from hardy.telemetry._redact import scrub

_FRAMES = 60
_LONGEST = 32_768


def traceback_text(thing: object) -> str | None:
    """Return the traceback of *thing* as ``exc_info`` takes it: an exception, a triple, or true for the current one."""
    error = _exception(thing)
    if error is None:
        return None
    try:
        # The last frames: those of the user's code, of a recursion the ones where it ended.
        lines = TracebackException(type(error), error, error.__traceback__, limit=-_FRAMES, compact=True).format()
        text = "".join(lines).rstrip("\n")
    except Exception as failure:  # an exception whose own methods fail is still named
        text = f"{type(error).__qualname__} (its traceback failed with {type(failure).__qualname__})"
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]}\n... {len(text) - _LONGEST} characters left out ...\n{text[-half:]}"
    return scrub(text)


def _exception(thing: object) -> BaseException | None:
    if isinstance(thing, BaseException):
        return thing
    if isinstance(thing, tuple):
        _, error, trace = thing  # pyright: ignore[reportUnknownVariableType]  # a triple of the standard library
        return error if isinstance(error, BaseException) and isinstance(trace, TracebackType | None) else None
    return sys.exc_info()[1] if thing else None
