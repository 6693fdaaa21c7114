"""The port that credentials come in through."""

from collections.abc import Mapping
from typing import Protocol

from hardy.core import Call, Principal


class Authenticator(Protocol):
    """Finds out who is calling from what travelled beside the message.

    One looks at one kind of credentials and leaves the others alone. It runs
    before the message is read, so ``call.message`` is not there yet.

    An authenticator may also have a method ``configure(environment: str) ->
    None``. The app calls it once, at build, with ``"dev"``, ``"test"`` or
    ``"production"``; without that call it must behave as in production. It
    raises `hardy.core.BuildFailed` for what is wrong with its settings.
    """

    @property
    def challenge(self) -> str:
        """What ``WWW-Authenticate`` says beside a 401: ``Bearer`` (RFC 9110, 11.6.1)."""
        ...

    async def authenticate(self, call: Call) -> Principal | None:
        """Return who is calling; ``None`` when there are no credentials of this kind.

        Raises:
            Unauthenticated: There are, and they are not valid.
        """
        ...

    def scheme(self) -> Mapping[str, object]:
        """Return the OpenAPI security scheme object of these credentials."""
        ...
