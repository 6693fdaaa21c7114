r"""Our HTTP/1.1 engine: sockets and bytes, connections, limits, timers, drain. It knows no operation.

One callable takes a `Request` and returns a `Response`, or streams, or switches
protocols. Everything a client can do wrong is refused before that: one strict
reading of RFC 9112, bounded in bytes and in time.

Floor 2; usable alone, on any asyncio loop:

    >>> import asyncio
    >>> async def hello(request: Request) -> Response:
    ...     return Response(200, [(b"content-type", b"text/plain")], b"hello")
    >>> async def main() -> str:
    ...     async with Server(hello, bind=[("127.0.0.1", 0)]) as server:
    ...         reader, writer = await asyncio.open_connection(*server.addresses[0])
    ...         writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    ...         reply = (await reader.read()).splitlines()
    ...         writer.close()
    ...         return reply[0].decode()
    >>> asyncio.run(main())
    'HTTP/1.1 200 OK'
"""

from hardy.core import publish
from hardy.server._errors import AddressInUse, BodyMalformed, BodyTimeout, BodyTooLarge, ClientGone, RequestFault
from hardy.server._fields import Field, Prepared, prepare
from hardy.server._limits import Limits, Timeouts
from hardy.server._listen import Address, address_of_socket, bind
from hardy.server._messages import (
    Exchange,
    Handle,
    Load,
    RenderError,
    RenderShed,
    Request,
    Response,
    ResponseStream,
    Tunnel,
)
from hardy.server._notices import (
    CertificatesRefused,
    CertificatesReloaded,
    ConnectionRefused,
    HandshakeFailed,
    RequestRefused,
    ServerListening,
    ServerStopped,
)
from hardy.server._problem import problem
from hardy.server._server import OnError, Place, Server
from hardy.server._statistics import Statistics
from hardy.server._tls import Tls
from hardy.server._unix import UnixSocket

__all__ = [
    "Address",
    "AddressInUse",
    "BodyMalformed",
    "BodyTimeout",
    "BodyTooLarge",
    "CertificatesRefused",
    "CertificatesReloaded",
    "ClientGone",
    "ConnectionRefused",
    "Exchange",
    "Field",
    "Handle",
    "HandshakeFailed",
    "Limits",
    "Load",
    "OnError",
    "Place",
    "Prepared",
    "RenderError",
    "RenderShed",
    "Request",
    "RequestFault",
    "RequestRefused",
    "Response",
    "ResponseStream",
    "Server",
    "ServerListening",
    "ServerStopped",
    "Statistics",
    "Timeouts",
    "Tls",
    "Tunnel",
    "UnixSocket",
    "address_of_socket",
    "bind",
    "prepare",
    "problem",
]

publish(__name__, globals())
