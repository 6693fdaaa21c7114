"""Asks at build whether a type can travel."""

from hardy.core import Diagnostic, Place
from hardy.schema._read import read


def check_type(type_: object, *, what: str, place: Place | None = None) -> list[Diagnostic]:
    """Return everything about a type that a message cannot have; an empty list when it may travel.

    Args:
        type_: The type of a message, a reply or a part of one.
        what: What it is the type of, for the diagnostics.
        place: Where to point when the fault is not in a class with a source.

    Example:
        >>> found = check_type(dict[str, complex], what="the reply of `sums`")
        >>> print(found[0].title)
        the reply of `sums`, at `{}`, is a `complex`, which JSON cannot carry
    """
    return read(type_, what=what, place=place)[1]
