"""A value that is never printed."""

import hmac
from typing import Generic, TypeVar, cast

T = TypeVar("T")

MASK = "***"
"""What stands wherever a secret would."""


class Secret(Generic[T]):
    """Holds a password, key or token; only `reveal` gives it out.

    Printing, formatting, logging or failing shows ``***``, and no codec of
    hardy encodes it. Keep the `Secret` itself in objects and reveal it in the
    expression that needs it.

    Example:
        >>> password = Secret("hunter2")
        >>> password, f"{password}"
        (Secret(***), '***')
        >>> password.reveal()
        'hunter2'
    """

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def reveal(self) -> T:
        """Return the value itself."""
        return self.__value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        revealed = cast("Secret[object]", other).reveal()
        mine, theirs = _bytes(self.__value), _bytes(revealed)
        if mine is None or theirs is None:
            return bool(self.__value == revealed)
        # How long the comparison takes must not tell how much of a guess was right.
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self.__value))


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value if isinstance(value, bytes) else None
