"""Credentials that exist for one test: whoever the test says is calling, is."""

import secrets

from hardy.core import Call, Principal, Unauthenticated

SCHEME = "test"


class MemoryTokens:
    """An authenticator that knows the principals it was told, by random tokens.

    A test client adds one to the app it serves, so that a test says who calls
    while the service's own chain, rules and transports stay as they are.

    Example:
        >>> tokens = MemoryTokens()
        >>> tokens.mint(Principal("alice")).startswith("test ")
        True
    """

    challenge = "Test"

    def __init__(self) -> None:
        self._principals: dict[str, Principal] = {}

    def mint(self, principal: Principal) -> str:
        """Return the value of an ``authorization`` header that says *principal*."""
        token = secrets.token_urlsafe(16)
        self._principals[token] = principal
        return f"{SCHEME} {token}"

    async def authenticate(self, call: Call) -> Principal | None:
        """Return who the token was minted for; ``None`` for other kinds of credentials."""
        scheme, _, token = call.metadata.get("authorization", "").partition(" ")
        if scheme != SCHEME:
            return None
        if (principal := self._principals.get(token)) is None:
            raise Unauthenticated("this test token was minted by another client")
        return principal

    def scheme(self) -> dict[str, object]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": SCHEME}
