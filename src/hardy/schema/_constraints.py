"""Constraints as words: what stands beside a type in ``Annotated``."""

from msgspec import Meta


def Ge(bound: float) -> Meta:  # noqa: N802  # reads as a type in an annotation: Annotated[int, Ge(1)]
    """At least *bound*.

    Example:
        >>> from typing import Annotated
        >>> from hardy.schema import codec
        >>> codec(Annotated[int, Ge(1)]).decode(b"0")
        Traceback (most recent call last):
        InvalidMessage: must be at least 1
    """
    return Meta(ge=bound)


def Gt(bound: float) -> Meta:  # noqa: N802  # as above
    """Greater than *bound*."""
    return Meta(gt=bound)


def Le(bound: float) -> Meta:  # noqa: N802  # as above
    """At most *bound*."""
    return Meta(le=bound)


def Lt(bound: float) -> Meta:  # noqa: N802  # as above
    """Less than *bound*."""
    return Meta(lt=bound)


def MultipleOf(step: float) -> Meta:  # noqa: N802  # as above
    """A multiple of *step*."""
    return Meta(multiple_of=step)


def MinLen(length: int) -> Meta:  # noqa: N802  # as above
    """At least *length* characters of text, bytes, items or members."""
    return Meta(min_length=length)


def MaxLen(length: int) -> Meta:  # noqa: N802  # as above
    """At most *length* characters of text, bytes, items or members."""
    return Meta(max_length=length)


def Pattern(regex: str) -> Meta:  # noqa: N802  # as above
    """Text in which the regular expression is found; write ``^...$`` for the whole text.

    Example:
        >>> from typing import Annotated
        >>> from hardy.schema import codec
        >>> codec(Annotated[str, Pattern("^[a-z]+$")]).decode(b'"tea"')
        'tea'
    """
    return Meta(pattern=regex)


LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")
"""The constraints a ``Meta`` can hold, in the order in which faults are told."""


def limits_of(metas: tuple[Meta, ...]) -> dict[str, object]:
    """Return what *metas* together demand."""
    return {name: value for meta in metas for name in LIMITS if (value := getattr(meta, name)) is not None}
