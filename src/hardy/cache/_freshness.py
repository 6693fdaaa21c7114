"""How long what a keyspace holds is good, and what happens around the end of that time."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long values are fresh, and what is served when they are not.

    All lengths are seconds. A plain number in the place of one of these means ``Freshness(ttl=number)``.

    Example:
        >>> Freshness(ttl=60, stale=30, stale_on_error=600).kept
        660
    """

    ttl: float
    """For how long a value is fresh."""
    jitter: float = 0.05
    """The share by which it is drawn longer or shorter, so that what was loaded together does not end together."""
    nothing: float | None = None
    """For how long ``None`` is kept, as the answer that there is nothing; not at all if none is given."""
    early: float = 1.0
    """How eager readers are to refresh what is still fresh, the dearer it is to load (XFetch's beta); 0 for never."""
    stale: float = 0.0
    """For how long after `ttl` the old value is served while a new one is loaded in the background."""
    stale_on_error: float = 0.0
    """For how long after `ttl` the old value is served when loading a new one fails."""
    load_timeout: float = 30.0
    """How long a load may take."""
    lock_timeout: float = 1.0
    """How long a load waits for the lock of all replicas to answer. Where it does not, replicas load each for itself,
    and for a second nobody but one asks it again."""

    def __post_init__(self) -> None:
        lengths = {
            "ttl": self.ttl,
            "nothing": 1.0 if self.nothing is None else self.nothing,
            "load_timeout": self.load_timeout,
            "lock_timeout": self.lock_timeout,
        }
        for name, length in lengths.items():
            if not 0 < length < math.inf:
                raise ValueError(f"`{name}` is a number of seconds above zero, not {length:g}")
        if not 0 <= self.jitter < 1:
            raise ValueError(f"`jitter` is a share from 0 to below 1, not {self.jitter:g}")
        if min(self.early, self.stale, self.stale_on_error) < 0:
            raise ValueError("`early`, `stale` and `stale_on_error` are not below zero")

    @property
    def grace(self) -> float:
        """How long a value is kept after it ceased to be fresh."""
        return max(self.stale, self.stale_on_error)

    @property
    def kept(self) -> float:
        """How long a value is kept in all, jitter aside."""
        return self.ttl + self.grace


def fresh_for(ttl: "float | Freshness") -> Freshness:
    """Return what a number of seconds stands for."""
    return ttl if isinstance(ttl, Freshness) else Freshness(ttl=ttl)
