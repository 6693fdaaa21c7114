"""What the tests of a service are written with: a typed client on every transport, virtual time, fakes.

Floor 5. Nothing here is a mock: the client calls the real service, the fakes
are shipped code that fulfils the same ports.

Example:
    >>> import asyncio
    >>> from hardy import App, Principal, signed_in
    >>> async def whoami(*, caller: Principal) -> str:
    ...     return caller.subject
    >>> app = App("who")
    >>> app.expose(whoami, allow=signed_in)
    >>> async def main() -> str:
    ...     async with client(app, caller=Principal("alice")) as alice:
    ...         return await alice.call(whoami)
    >>> asyncio.run(main())
    'alice'
"""

from hardy.core import publish
from hardy.testing._client import Carrier, Client
from hardy.testing._clock import VirtualClock
from hardy.testing._open import TRANSPORTS, Transport, client
from hardy.testing._streams import stream_of
from hardy.testing._tokens import MemoryTokens

__all__ = [
    "TRANSPORTS",
    "Carrier",
    "Client",
    "MemoryTokens",
    "Transport",
    "VirtualClock",
    "client",
    "stream_of",
]

publish(__name__, globals())
