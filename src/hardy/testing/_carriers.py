"""How a test client's calls travel over sockets: HTTP, gRPC, ASGI under uvicorn."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from hardy.app import Assembly, Listen, Service, asgi_of
from hardy.core import Operation
from hardy.transport import http

if TYPE_CHECKING:
    from hardy.transport import grpc

B = TypeVar("B")


class HttpCarrier:
    """Carries calls over HTTP."""

    def __init__(self, assembly: Assembly, client: http.HttpClient) -> None:
        self._assembly = assembly
        self._client = client

    async def call(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> object:
        """Carry one call and return its reply."""
        route = _binding(self._assembly, operation, "http", http.Route)
        return await self._client.call(operation, route, message, headers=metadata, timeout=timeout)

    def stream(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> AsyncGenerator[object]:
        """Carry one call and yield the items of its reply."""
        route = _binding(self._assembly, operation, "http", http.Route)
        return self._client.stream(operation, route, message, headers=metadata, timeout=timeout)


class GrpcCarrier:
    """Carries calls over gRPC."""

    def __init__(self, assembly: Assembly, client: "grpc.GrpcClient") -> None:
        self._assembly = assembly
        self._client = client

    async def call(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> object:
        """Carry one call and return its reply."""
        method = self._method(operation)
        return await self._client.call(method, operation, message, metadata=metadata, timeout=timeout)

    def stream(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> AsyncGenerator[object]:
        """Carry one call and yield the items of its reply."""
        method = self._method(operation)
        return self._client.stream(method, operation, message, metadata=metadata, timeout=timeout)

    def _method(self, operation: Operation) -> "grpc.Method":
        from hardy.transport import grpc

        return _binding(self._assembly, operation, "grpc", grpc.Method)


def _binding(assembly: Assembly, operation: Operation, transport: str, kind: type[B]) -> B:
    for each in assembly.exposed(transport):
        if each.operation is operation and isinstance(each.binding, kind):
            return each.binding
    raise LookupError(f"`{operation.name}` is not exposed over {transport}; add a binding to its `expose` line")


@asynccontextmanager
async def over_http(assembly: Assembly) -> AsyncGenerator[HttpCarrier]:
    """Serve *assembly* on a free port of our own engine and carry calls there."""
    async with Service(assembly, http=Listen()) as service:
        assert service.http is not None
        url = f"http://{service.http.addresses[0]}"
        async with http.HttpClient(url, json_case=assembly.app.json_case) as client:
            yield HttpCarrier(assembly, client)


@asynccontextmanager
async def over_grpc(assembly: Assembly) -> AsyncGenerator[GrpcCarrier]:
    """Serve *assembly* on a free gRPC port and carry calls there."""
    from hardy.transport import grpc

    async with Service(assembly, grpc=Listen()) as service:
        transport = service.grpc
        if transport is None:
            raise LookupError(f"{assembly.app.name} exposes nothing over gRPC")
        contracts = transport.contracts
        async with grpc.GrpcClient(transport.target, assembly.exposed("grpc"), contracts=contracts) as client:
            yield GrpcCarrier(assembly, client)


@asynccontextmanager
async def over_asgi(assembly: Assembly) -> AsyncGenerator[HttpCarrier]:
    """Serve *assembly* as an ASGI application under uvicorn, on a free port, and carry calls there."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        needs = "the asgi transport of hardy.testing needs uvicorn. Install it with: pip install uvicorn websockets"
        raise ModuleNotFoundError(needs, name="uvicorn") from error

    refusals: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            _listened(asgi_of(assembly), refusals),
            lifespan="on",
            log_level="critical",
            access_log=False,
            ws="websockets-sansio",
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(_serve(server.serve(sockets=[listening])))
        try:
            await _started(server, serving, refusals)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with http.HttpClient(url, json_case=assembly.app.json_case) as client:
                yield HttpCarrier(assembly, client)
        finally:
            server.should_exit = True
            await serving


def _listened(application: http.AsgiApp, refusals: list[str]) -> http.AsgiApp:
    """Return *application*, which notes in *refusals* why it could not start."""

    async def listened(
        scope: Mapping[str, object],
        receive: Callable[[], Awaitable[MutableMapping[str, object]]],
        send: Callable[[Mapping[str, object]], Awaitable[None]],
    ) -> None:
        async def sending(message: Mapping[str, object]) -> None:
            if message["type"] == "lifespan.startup.failed":
                refusals.append(str(message.get("message")))
            await send(message)

        await application(scope, receive, sending if scope["type"] == "lifespan" else send)

    return listened


async def _serve(serving: Coroutine[object, object, None]) -> None:
    with suppress(SystemExit):  # how uvicorn says that the application could not start
        await serving


async def _started(server: "object", serving: "asyncio.Task[None]", refusals: list[str]) -> None:
    while not getattr(server, "started", False):
        if serving.done():
            raise RuntimeError(f"the service could not start: {''.join(refusals)}")
        await asyncio.sleep(0.005)
