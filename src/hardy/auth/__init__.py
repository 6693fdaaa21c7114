"""Who is calling, and whether they may: authenticators, rules, and the middleware that asks both.

Floor 2. Knows no token format and no transport: an `Authenticator` turns what
travelled beside a message into a `Principal`, a rule looks at the principal.

Example:
    >>> import asyncio
    >>> from hardy.core import Call, Operation, Principal, compose
    >>> async def list_orders() -> list[str]: ...
    >>> operation = Operation.of(list_orders).with_options(allow=has_scope("orders:read"))
    >>> async def use_case(call):
    ...     return ["o-1"]
    >>> call = Call(operation, "direct")
    >>> call.principal = Principal("alice", scopes=frozenset({"orders:read"}))
    >>> asyncio.run(compose([admit()], use_case)(call))
    ['o-1']
"""

from hardy.auth._admit import admit
from hardy.auth._authenticator import Authenticator
from hardy.auth._check import check_operation
from hardy.auth._rules import (
    all_of,
    any_of,
    has_role,
    has_scope,
    internal,
    is_internal,
    is_public,
    public,
    rule_name,
    signed_in,
)
from hardy.core._module import publish

__all__ = [
    "Authenticator",
    "admit",
    "all_of",
    "any_of",
    "check_operation",
    "has_role",
    "has_scope",
    "internal",
    "is_internal",
    "is_public",
    "public",
    "rule_name",
    "signed_in",
]

publish(__name__, globals())
