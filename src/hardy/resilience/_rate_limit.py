"""Who is limited to what: the declarations that ``limit=`` takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal

from hardy.core import Call
from hardy.resilience._rate import Rate

KeyOf = Callable[[Call], str | None]
"""Says whom a call is counted to; ``None`` counts it to nobody."""

OnFailure = Literal["open", "closed"]
"""What happens while the store cannot be asked: everything passes, or nothing does."""

Scope = Literal["service", "process"]
"""Whether all processes of the service count together, or each for itself."""

Stage = Literal["address", "principal"]
"""Where in the chain: before authentication, or after it."""

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_SITE = 64
"""Bits of an IPv6 address that name a site: whoever has one has 2 to the 64 addresses (RFC 6177)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One quota that calls are counted against; made by `per_principal` and its siblings."""

    name: str
    """What callers see it called, in ``RateLimit-Policy``."""
    rate: Rate
    key: KeyOf
    stage: Stage
    on_failure: OnFailure | None = None
    scope: Scope = "service"

    def __post_init__(self) -> None:
        if not self.name or not _NAME.issuperset(self.name):
            raise ValueError(f"{self.name!r} is no name of a limit: letters, digits, `_`, `-` and `.`")

    def describe(self) -> str:
        """Return the limit in one line, for `hardy show` and documents.

        Example:
            >>> per_principal(100, per=60, burst=20).describe()
            '100 per 60 s and principal, 20 at once'
        """
        text = f"{self.rate.count} per {self.rate.per:g} s and {self.name}"
        if self.rate.burst != self.rate.count:
            text += f", {self.rate.burst} at once"
        if self.scope == "process":
            text += ", in each process"
        return text if self.on_failure is None else f"{text}, {self.on_failure} on failure"


Limits = Limit | Sequence[Limit]
"""What ``limit=`` takes: one or several; a call passes when each lets it."""


class _Unlimited(tuple[Limit, ...]):
    __slots__ = ()

    def __repr__(self) -> str:
        return "unlimited"


unlimited: Sequence[Limit] = _Unlimited()
"""For ``limit=`` of an operation that not even the app's own limits count."""


def per_principal(
    count: int,
    *,
    per: float,
    burst: int = 0,
    on_failure: OnFailure | None = None,
    scope: Scope = "service",
    name: str = "principal",
) -> Limit:
    """Limit each principal to *count* calls in *per* seconds.

    Whoever is nobody in particular is counted by address.

    Args:
        count: Calls in the long run.
        per: Seconds.
        burst: Calls at once; *count* when left out.
        on_failure: While the store cannot be asked, ``"open"`` lets everything pass, ``"closed"`` answers
            UNAVAILABLE; has to be said where the store is one that can fail.
        scope: ``"process"`` lets each process count for itself.
        name: What callers see it called.

    Example:
        >>> per_principal(100, per=60, burst=20).rate
        Rate(count=100, per=60, burst=20)
    """
    rate = Rate(count, per, burst)
    return Limit(name=name, rate=rate, key=_principal, stage="principal", on_failure=on_failure, scope=scope)


def per_address(
    count: int,
    *,
    per: float,
    burst: int = 0,
    on_failure: OnFailure | None = None,
    scope: Scope = "service",
    name: str = "address",
) -> Limit:
    """Limit each address to *count* calls in *per* seconds; decided before anybody is authenticated.

    Of an IPv6 address the first 64 bits count, for its owner has all the
    others, too. Behind a proxy the address is the client's own only where
    ``http.trusted_proxies`` says whom to believe. Calls by a Unix socket have none and are not counted.

    Args are those of `per_principal`.

    Example:
        >>> per_address(600, per=60).stage
        'address'
    """
    rate = Rate(count, per, burst)
    return Limit(name=name, rate=rate, key=_address, stage="address", on_failure=on_failure, scope=scope)


def per_operation(
    count: int,
    *,
    per: float,
    burst: int = 0,
    on_failure: OnFailure | None = None,
    scope: Scope = "service",
    name: str = "operation",
) -> Limit:
    """Limit an operation to *count* calls in *per* seconds, whoever makes them.

    Decided after authentication, so that nobody without credentials can use it up.

    Args are those of `per_principal`.

    Example:
        >>> per_operation(5, per=1).describe()
        '5 per 1 s and operation'
    """
    rate = Rate(count, per, burst)
    return Limit(name=name, rate=rate, key=_everybody, stage="principal", on_failure=on_failure, scope=scope)


def per_key(
    key: KeyOf,
    count: int,
    *,
    per: float,
    burst: int = 0,
    on_failure: OnFailure | None = None,
    scope: Scope = "service",
    name: str = "",
) -> Limit:
    """Limit to *count* calls in *per* seconds whatever *key* names, such as a tenant.

    Args:
        key: Is asked after authentication, when the message is not read yet; ``None`` is not counted.
        count: Calls in the long run.
        per: Seconds.
        burst: Calls at once; *count* when left out.
        on_failure: As of `per_principal`.
        scope: As of `per_principal`.
        name: What callers see it called; the function's name when left out.

    Example:
        >>> def tenant(call: Call) -> str | None:
        ...     return call.principal.tenant if call.principal else None
        >>> per_key(tenant, 1000, per=60).name
        'tenant'
    """
    rate = Rate(count, per, burst)
    known = name or getattr(key, "__name__", "").strip("<>") or "key"
    return Limit(name=known, rate=rate, key=key, stage="principal", on_failure=on_failure, scope=scope)


def _principal(call: Call) -> str | None:
    who = call.principal
    return _address(call) if who is None else f"{who.kind}:{who.tenant or ''}:{who.subject}"


def _everybody(_: Call) -> str:
    return ""


def _address(call: Call) -> str | None:
    """Return what of the peer's address names one caller; ``None`` where it has none."""
    host = call.peer.rpartition(":")[0] if "]" in call.peer or call.peer.count(":") == 1 else call.peer
    host = host.strip("[]").partition("%")[0]
    try:
        if ":" not in host:
            return str(IPv4Address(host))
        six = IPv6Address(host)
    except AddressValueError:
        return None
    if six.ipv4_mapped is not None:
        return str(six.ipv4_mapped)
    return f"{IPv6Address(int(six) >> _SITE << _SITE)}/{_SITE}"
