"""Operations over gRPC: the same chain, messages and errors as over HTTP, on grpcio.

`service` names a gRPC service, calling it gives the binding of one method;
`Transport` serves what is exposed, `GrpcClient` calls it. Messages are
converted by plans made once, at build; errors travel as ``google.rpc.Status``
and come back as the classes they were; health and reflection are served too.

Example:
    >>> import asyncio
    >>> from hardy.core import Exposed, Operation
    >>> async def greet(name: str) -> str:
    ...     return f"hello {name}"
    >>> async def handler(call):
    ...     return await greet((await call.receive()).name)
    >>> async def main():
    ...     operation, method = Operation.of(greet), service("hello.v1.Hello")("Greet")
    ...     exposed = [Exposed(operation, method, handler)]
    ...     async with Transport(exposed, environment="dev") as server:
    ...         async with GrpcClient(server.target, exposed, environment="dev") as client:
    ...             return await client.call(method, operation, operation.message(name="you"))
    >>> asyncio.run(main())
    'hello you'
"""

from hardy.core import publish

try:
    import google.rpc.status_pb2  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only whether it is there
    import grpc.aio  # noqa: F401  # pyright: ignore[reportUnusedImport]  # as above
    import grpc_health  # noqa: F401  # pyright: ignore[reportUnusedImport]  # as above
    import grpc_reflection  # noqa: F401  # pyright: ignore[reportUnusedImport]  # as above
except ImportError as error:
    raise ImportError(
        "hardy.transport.grpc needs grpcio. Install it with: pip install 'hardy[grpc]'", name=error.name
    ) from error

from hardy.transport.grpc._binding import Method, Service, service
from hardy.transport.grpc._client import GrpcClient
from hardy.transport.grpc._contracts import Contracts, ProtoFile, check, proto_files
from hardy.transport.grpc._tls import TlsFiles
from hardy.transport.grpc._transport import Transport, TransportStatistics

__all__ = [
    "Contracts",
    "GrpcClient",
    "Method",
    "ProtoFile",
    "Service",
    "TlsFiles",
    "Transport",
    "TransportStatistics",
    "check",
    "proto_files",
    "service",
]

publish(__name__, globals())
