"""Opens a client on an app: serves it, and calls it the way the test says."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from hardy.app import App, Assembly, Service
from hardy.core import Principal
from hardy.testing._carriers import over_asgi, over_grpc, over_http
from hardy.testing._client import Carrier, Client
from hardy.testing._direct import DirectCarrier
from hardy.testing._tokens import MemoryTokens

Transport = Literal["direct", "http", "grpc", "asgi"]
"""How a client's calls travel."""

TRANSPORTS: tuple[Transport, ...] = ("direct", "http", "grpc", "asgi")
"""All of them: what ``every_transport`` runs a test on."""


@asynccontextmanager
async def _direct(assembly: Assembly) -> AsyncGenerator[DirectCarrier]:
    async with Service(assembly):
        yield DirectCarrier(assembly)


_OPENERS: dict[Transport, Callable[[Assembly], AbstractAsyncContextManager[Carrier]]] = {
    "direct": _direct,
    "http": over_http,
    "grpc": over_grpc,
    "asgi": over_asgi,
}


@asynccontextmanager
async def client(
    app: App, transport: Transport = "direct", *, caller: Principal | None = None
) -> AsyncGenerator[Client]:
    """Serve *app* and yield a client that calls it over *transport*.

    The service runs in this process with everything it has: its components are
    opened and closed, its chain and rules apply. Only who calls is said by the
    test, and what a use case returns is compared with its annotation.

    Args:
        app: The app, its overrides entered.
        transport: ``"direct"`` travels no wire, ``"http"`` and ``"grpc"`` real
            sockets of our own servers, ``"asgi"`` those of uvicorn.
        caller: Who calls, until `Client.as_` says otherwise; nobody when left out.

    Raises:
        BuildFailed: The app is wrong.

    Example:
        >>> import asyncio
        >>> from hardy import App, public
        >>> from hardy.testing import client
        >>> async def hello(name: str) -> str:
        ...     return f"hello {name}"
        >>> app = App("hello")
        >>> app.expose(hello, allow=public)
        >>> async def main() -> str:
        ...     async with client(app) as caller:
        ...         return await caller.call(hello, "you")
        >>> asyncio.run(main())
        'hello you'
    """
    tokens = MemoryTokens()
    assembly = Assembly(app, log=sys.stderr, authenticators=[tokens], check_replies=True)
    async with opened(assembly, transport, tokens, caller) as client_:
        yield client_


@asynccontextmanager
async def opened(
    assembly: Assembly, transport: Transport, tokens: MemoryTokens, caller: Principal | None
) -> AsyncGenerator[Client]:
    """Serve *assembly*, which believes *tokens*, and yield a client that calls it over *transport*."""
    async with _OPENERS[transport](assembly) as carrier:
        yield Client(assembly, carrier, tokens, caller=caller)
