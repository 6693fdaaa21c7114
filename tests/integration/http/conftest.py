"""Serves use cases over real sockets, by the shortest chain there is: decode, use case, encode."""

import socket
from contextlib import AsyncExitStack

import httpx2
import pytest

from hardy.core import Exposed, Operation
from hardy.server import Server
from hardy.transport import http


def expose(use_case, route, **options):
    """Return one operation behind one route, its chain composed by hand."""
    operation = Operation.of(use_case, raw=route.raw).with_options(**options)

    async def handler(call):
        call.message = await call.receive()
        if operation.kind.streams_out:
            items = operation.invoke(call.message, {})
            try:
                async for item in items:
                    await call.send(item)
            finally:
                await items.aclose()
            return None
        reply = await operation.invoke(call.message, {})
        call.encode(reply)
        return reply

    return Exposed(operation, route, handler)


@pytest.fixture
def defects():
    """What reached the engine as an error that no client hears of; a test that expects one takes it away."""
    found = []
    yield found
    assert found == []


@pytest.fixture
async def serve(defects):
    """Serve ``(use_case, route)`` pairs and return a client whose base is the server's address."""
    async with AsyncExitStack() as stack:

        async def serve(*pairs, **options) -> httpx2.AsyncClient:
            exposed = [pair if isinstance(pair, Exposed) else expose(*pair) for pair in pairs]
            transport = http.Transport(exposed, **options)
            server = Server(
                transport.handle,
                bind=[("127.0.0.1", 0)],
                render_error=transport.refuse,
                on_error=lambda error, _: defects.append(error),
            )
            await stack.enter_async_context(server)
            host, port = server.addresses[0]
            client = httpx2.AsyncClient(base_url=f"http://{host}:{port}", timeout=10, verify=False)
            return await stack.enter_async_context(client)

        yield serve


@pytest.fixture
def chain():
    """Return what makes an operation behind a route."""
    return expose


@pytest.fixture
def port_of_nobody():
    """A port that is bound, so that nobody else gets it, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
