r"""HTTP: routes for operations, and the transport that serves them.

Routes are written in the ``expose`` lines: `get`, `post`, `put`, `patch`,
`delete`, below a common `prefix` where there is one; `raw` for webhooks and
pages. `Transport` answers requests of `hardy.server`, or of an ASGI host by
`Asgi`; `Mount` lets somebody's ASGI application answer below a prefix. Every
error is an RFC 9457 problem.

Example:
    >>> import asyncio
    >>> from hardy.core import Exposed, Operation
    >>> async def greet(name: str) -> str:
    ...     return f"hello {name}"
    >>> operation = Operation.of(greet)
    >>> async def chain(call):
    ...     call.message = await call.receive()
    ...     return await operation.invoke(call.message, {})
    >>> transport = Transport([Exposed(operation, get("/hello/{name}"), chain)])
    >>> async def main() -> str:
    ...     from hardy.server import Server
    ...
    ...     async with Server(transport.handle, bind=[("127.0.0.1", 0)]) as server:
    ...         reader, writer = await asyncio.open_connection(*server.addresses[0])
    ...         writer.write(b"GET /hello/you HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    ...         reply = await reader.read()
    ...         writer.close()
    ...         return reply.rpartition(b"\r\n")[2].decode()
    >>> asyncio.run(main())
    '"hello you"'
"""

from hardy.core import publish
from hardy.transport.http._asgi import Asgi
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._client import HttpClient
from hardy.transport.http._docs import pages
from hardy.transport.http._file import File
from hardy.transport.http._layout import takes_files
from hardy.transport.http._mount import AsgiApp, Mount
from hardy.transport.http._openapi import openapi
from hardy.transport.http._outgoing import Outgoing, outgoing
from hardy.transport.http._problem import Problem, RenderProblem, render_problem
from hardy.transport.http._raw import Request, Response
from hardy.transport.http._remote import RemoteRoutes, remote
from hardy.transport.http._route import (
    Prefix,
    RawPrefix,
    Route,
    Source,
    cookie,
    delete,
    get,
    header,
    patch,
    post,
    prefix,
    put,
    query,
    raw,
)
from hardy.transport.http._status import code_of, status_of
from hardy.transport.http._transport import Transport, clashes

__all__ = [
    "Asgi",
    "AsgiApp",
    "Bounds",
    "File",
    "HttpClient",
    "Mount",
    "Outgoing",
    "Prefix",
    "Problem",
    "RawPrefix",
    "RemoteRoutes",
    "RenderProblem",
    "Request",
    "Response",
    "Route",
    "Source",
    "Transport",
    "clashes",
    "code_of",
    "cookie",
    "delete",
    "get",
    "header",
    "openapi",
    "outgoing",
    "pages",
    "patch",
    "post",
    "prefix",
    "put",
    "query",
    "raw",
    "remote",
    "render_problem",
    "status_of",
    "takes_files",
]

publish(__name__, globals())
