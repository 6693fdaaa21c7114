"""A port fulfilled by calling another service: same exceptions, same deadline, one line of wiring."""

import inspect
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from hardy.core import Binding, BuildFailed, Call, Diagnostic, Error, Exposed, Operation, Place, current_call
from hardy.transport import http

if TYPE_CHECKING:
    from hardy.transport import grpc

P = TypeVar("P")


class Remote(Generic[P]):
    """A component that fulfils a port by calling another service; made by `remote`."""

    def __init__(
        self,
        port: Callable[..., P],
        through: "grpc.Service | http.RemoteRoutes",
        at: str,
        raises: Sequence[type[Error]],
    ) -> None:
        self.port = port
        self.at = at
        self._through = through
        self._faults: list[Diagnostic] = []
        self._exposed = self._expose(tuple(raises))
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"Remote({_name(self.port)} at {self.at})"

    def _expose(self, raises: tuple[type[Error], ...]) -> dict[str, Exposed]:
        exposed: dict[str, Exposed] = {}
        for name, method in _methods(self.port).items():
            try:
                operation = Operation.of(_shim(name, method)).with_options(raises=raises)
            except BuildFailed as failed:
                self._faults += failed.diagnostics
                continue
            binding = self._binding(name)
            if binding is None:
                self._faults.append(self._no_route(name, method))
                continue
            self._faults += binding.check(operation)
            exposed[name] = Exposed(operation, binding, _elsewhere)
        return exposed

    def _binding(self, name: str) -> Binding | None:
        if isinstance(self._through, http.RemoteRoutes):
            return self._through.routes.get(name)
        return self._through("".join(word.capitalize() for word in name.split("_")))

    def _no_route(self, name: str, method: Callable[..., object]) -> Diagnostic:
        return Diagnostic(
            code="H0661",
            title=f"`{_name(self.port)}.{name}` is called over HTTP by no route",
            place=Place.of(method),
            helps=(f'add it: `http.remote({{"{name}": http.get("/...")}})`',),
        )

    def check(self) -> Sequence[Diagnostic]:
        """Return what keeps the port's methods from being called there."""
        if self._faults or isinstance(self._through, http.RemoteRoutes):
            return self._faults
        from hardy.transport import grpc

        return grpc.check(list(self._exposed.values()), environment="test")

    async def __aenter__(self) -> P:
        """Return what fulfils the port; it connects at the first call."""
        caller = await self._stack.enter_async_context(self._client())
        methods = {name: _proxy(each, caller) for name, each in self._exposed.items()}
        return cast("P", type(f"Remote{_name(self.port)}", (), {"__slots__": (), **methods})())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._stack.aclose()

    def _client(self) -> "_Caller":
        if isinstance(self._through, http.RemoteRoutes):
            return _HttpCaller(http.HttpClient(self.at, json_case=self._through.json_case))
        from hardy.transport import grpc

        # The far service's file is checked in with it, not here: what was copied over is what there is.
        target = self.at.partition("://")[2] or self.at
        return _GrpcCaller(grpc.GrpcClient(target, list(self._exposed.values()), environment="test"))


def remote(
    port: Callable[..., P],
    through: "grpc.Service | http.RemoteRoutes",
    *,
    at: str,
    raises: Sequence[type[Error]] = (),
) -> Remote[P]:
    """Fulfil *port* by calling another service: ``app.manage(remote(...))``.

    A method ``price_of`` calls the rpc ``PriceOf``, or the route it is given.
    What the far use case raises is raised here; deadline and call id of the
    call being carried out travel along. A port can be a local class today and
    another service tomorrow.

    Args:
        port: The Protocol whose methods are called there.
        through: ``grpc.service("prices.v1.Prices", proto="prices.binpb")``, or
            ``http.remote({"price_of": http.get("/prices/{sku}")})``.
        at: Where the service is: ``prices:9090``, ``http://prices:8080``.
        raises: The far service's own errors, to come back as their classes.

    Example:
        >>> from typing import Protocol
        >>> from hardy.transport import http
        >>> class Prices(Protocol):
        ...     async def price_of(self, sku: str) -> int: ...
        >>> routes = http.remote({"price_of": http.get("/prices/{sku}")})
        >>> remote(Prices, routes, at="http://prices:8080").check()
        []
    """
    return Remote(port, through, at, raises)


class _Caller(Protocol):
    """Calls over one transport."""

    async def __aenter__(self) -> typing.Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None: ...
    async def call(self, exposed: Exposed, message: object) -> object: ...
    def stream(self, exposed: Exposed, message: object) -> AsyncGenerator[object, None]: ...


class _HttpCaller:
    def __init__(self, client: http.HttpClient) -> None:
        self._client = client

    async def __aenter__(self) -> typing.Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def call(self, exposed: Exposed, message: object) -> object:
        route = cast("http.Route", exposed.binding)
        return await self._client.call(exposed.operation, route, message, **_context())

    def stream(self, exposed: Exposed, message: object) -> AsyncGenerator[object, None]:
        route = cast("http.Route", exposed.binding)
        return self._client.stream(exposed.operation, route, message, **_context())


class _GrpcCaller:
    def __init__(self, client: "grpc.GrpcClient") -> None:
        self._client = client

    async def __aenter__(self) -> typing.Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def call(self, exposed: Exposed, message: object) -> object:
        return await self._client.call(cast("grpc.Method", exposed.binding), exposed.operation, message)

    def stream(self, exposed: Exposed, message: object) -> AsyncGenerator[object, None]:
        return self._client.stream(cast("grpc.Method", exposed.binding), exposed.operation, message)


class _Context(typing.TypedDict):
    timeout: float | None
    headers: Mapping[str, str]


def _context() -> _Context:
    """Return what travels along from the call being carried out. The gRPC client does this by itself."""
    call = current_call()
    if call is None:
        return {"timeout": None, "headers": {}}
    call.deadline.check()
    left = call.deadline.remaining()
    return {"timeout": None if left == float("inf") else left, "headers": {"x-request-id": call.id}}


async def _elsewhere(call: Call) -> object:
    raise RuntimeError(f"{call.operation.name} is carried out by another service")


def _methods(port: object) -> dict[str, Callable[..., object]]:
    found: dict[str, Callable[..., object]] = {}
    for cls in reversed(getattr(port, "__mro__", ())):
        if cls not in {object, Protocol, Generic}:
            found |= {
                name: value
                for name, value in vars(cls).items()
                if isinstance(value, types.FunctionType) and not name.startswith("_")
            }
    return found


def _shim(name: str, method: Callable[..., object]) -> Callable[..., object]:
    """Return a function with the method's signature but for ``self``; a stream's is a generator.

    A Protocol declares a stream as ``def watch(self) -> AsyncIterator[Event]``.
    """
    signature = inspect.signature(method)
    own = list(signature.parameters.values())[1:]
    hints = typing.get_type_hints(method, include_extras=True)
    shim = _stream_shim() if _streams(hints.get("return")) else _unary_shim()
    shim.__name__ = shim.__qualname__ = name
    shim.__module__ = method.__module__
    shim.__doc__ = method.__doc__
    shim.__annotations__ = hints
    shim.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]  # inspect's own protocol
    return shim


def _streams(reply: object) -> bool:
    return typing.get_origin(reply) in {typing.get_origin(AsyncIterator[int]), typing.get_origin(AsyncGenerator[int])}


def _unary_shim() -> types.FunctionType:
    async def shim() -> None: ...

    return cast("types.FunctionType", shim)


def _stream_shim() -> types.FunctionType:
    async def shim() -> AsyncIterator[None]:
        yield

    return cast("types.FunctionType", shim)


def _proxy(exposed: Exposed, caller: _Caller) -> Callable[..., object]:
    operation = exposed.operation

    async def call(self: object, *given: object, **named: object) -> object:
        return await caller.call(exposed, operation.message_of(given, named))

    def stream(self: object, *given: object, **named: object) -> AsyncGenerator[object, None]:
        return caller.stream(exposed, operation.message_of(given, named))

    chosen = stream if operation.kind.streams_out else call
    chosen.__name__ = operation.name
    return chosen


def _name(port: object) -> str:
    return getattr(port, "__name__", str(port))
