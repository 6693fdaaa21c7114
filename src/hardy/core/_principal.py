"""Who is calling, once authenticated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PrincipalKind = Literal["user", "service"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: a person or a program, with what it may do.

    Example:
        >>> alice = Principal("alice", scopes=frozenset({"orders:read"}))
        >>> "orders:read" in alice.scopes
        True
    """

    subject: str
    """The stable name: a token's ``sub``, or ``schedule:expire_orders`` for the service itself."""
    kind: PrincipalKind = "user"
    scopes: frozenset[str] = frozenset()
    """What the credentials were given for (OAuth 2.0 scopes)."""
    roles: frozenset[str] = frozenset()
    """What the subject is, in the service's own words."""
    tenant: str | None = None
    claims: Mapping[str, object] = field(default_factory=dict[str, object])
    """Everything else the credentials said, as verified."""
