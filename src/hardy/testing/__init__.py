"""What the tests of a service are written with: a typed client on every transport, virtual time, fakes.

Floor 5. Nothing here is a mock: the client calls the real service, the fakes
are shipped code that fulfils the same ports. Names are imported on first use,
so that the pytest plugin costs a project's other tests nothing.

Example:
    >>> import asyncio
    >>> from hardy import App, Principal, signed_in
    >>> from hardy.testing import client
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

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from hardy.core import publish

if TYPE_CHECKING:
    from hardy.testing._cancel import Cancellations, cancel_everywhere
    from hardy.testing._client import Carrier, Client
    from hardy.testing._clock import VirtualClock
    from hardy.testing._fault_proxy import FaultProxy
    from hardy.testing._nats import NatsServer
    from hardy.testing._open import TRANSPORTS, Transport, client
    from hardy.testing._postgres import PostgresServer
    from hardy.testing._repository_suite import RepositorySuite
    from hardy.testing._streams import stream_of
    from hardy.testing._tokens import MemoryTokens
    from hardy.testing._valkey import ValkeyServer

_HOME = {
    "Cancellations": "_cancel",
    "Carrier": "_client",
    "Client": "_client",
    "FaultProxy": "_fault_proxy",
    "MemoryTokens": "_tokens",
    "NatsServer": "_nats",
    "PostgresServer": "_postgres",
    "RepositorySuite": "_repository_suite",
    "TRANSPORTS": "_open",
    "Transport": "_open",
    "ValkeyServer": "_valkey",
    "VirtualClock": "_clock",
    "cancel_everywhere": "_cancel",
    "client": "_open",
    "stream_of": "_streams",
}

__all__ = [
    "TRANSPORTS",
    "Cancellations",
    "Carrier",
    "Client",
    "FaultProxy",
    "MemoryTokens",
    "NatsServer",
    "PostgresServer",
    "RepositorySuite",
    "Transport",
    "ValkeyServer",
    "VirtualClock",
    "cancel_everywhere",
    "client",
    "stream_of",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hardy.testing' has no attribute {name!r}")
    value: object = getattr(_import_module(f"hardy.testing.{home}"), name)
    globals()[name] = value
    publish(__name__, globals())
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
