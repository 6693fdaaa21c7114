"""Serves exposed operations over gRPC: a component that listens while it is open."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2_grpc

from hardy.core import Exposed, Unavailable, Unimplemented
from hardy.server import AddressInUse
from hardy.transport.grpc._binding import Method
from hardy.transport.grpc._call import Plan
from hardy.transport.grpc._contracts import Contracts
from hardy.transport.grpc._endpoint import Endpoint, refuse
from hardy.transport.grpc._health import SERVICE as HEALTH, Health
from hardy.transport.grpc._metadata import request_id
from hardy.transport.grpc._reflection import reflection_handlers
from hardy.transport.grpc._running import Running
from hardy.transport.grpc._tls import TlsFiles

if TYPE_CHECKING:
    from types import TracebackType

    from hardy.transport.grpc._call import Context

_MIB = 2**20
_METADATA = 16 * 2**10
_PATIENCE = 5.0
"""Seconds that cancelled calls get to close their scopes."""
_FLUSH = 1.0
"""Seconds that the last statuses get to reach their clients."""
_LONG = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class TransportStatistics:
    """How many calls there are and were."""

    now: int
    """Calls being carried out, those included whose client is gone."""
    started: int
    """Calls begun since the start."""


class Transport:
    """Answers gRPC calls with the operations exposed over gRPC; built on grpcio.

    A component: it listens between the two ends of ``async with``, and answers
    ``grpc.health.v1`` for itself and each service. To stop in peace call
    `wind_down`, then `stop_accepting`, then `stop`; leaving the block alone
    cancels what is still running with ``UNAVAILABLE``.

    Args:
        exposed: The operations with their methods and composed chains; those
            of other transports are passed over.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        reflection: Whether a client may ask which services and messages there are.
        max_message: Bytes of the largest message taken or sent; beyond it ``RESOURCE_EXHAUSTED``.
        environment: In ``"production"`` every service needs its ``.proto``.
        contracts: Made before by the caller, who then answers for the environment.
        shared: Whether another process may listen on the same address: while
            one takes over from another, both do.
        tls: What is shown to clients; without it everybody can read along.

    Raises:
        BuildFailed: Everything that `check` finds.
    """

    def __init__(  # noqa: PLR0913  # each has a default
        self,
        exposed: Sequence[Exposed],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        reflection: bool = False,
        max_message: int = 4 * _MIB,
        environment: str = "production",
        contracts: Contracts | None = None,
        shared: bool = False,
        tls: TlsFiles | None = None,
    ) -> None:
        self.contracts = contracts or Contracts(exposed, environment=environment)
        self.host = host
        self._shared = shared
        self._tls = tls
        self._wanted = port
        self._port: int | None = None
        self._max_message = max_message
        self._running = Running()
        self._health = Health(self.contracts.services)
        self._services = _Services(self._endpoints(exposed))
        self._reflection = reflection
        self._server: grpc.aio.Server | None = None
        self._closing: asyncio.Task[None] | None = None

    def _endpoints(self, exposed: Sequence[Exposed]) -> dict[str, grpc.RpcMethodHandler[bytes, bytes]]:
        prepared = self.contracts.methods()
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
        for each in exposed:
            if isinstance(each.binding, Method):
                path = each.binding.path
                plan = Plan(each.operation, each.binding.service.name, prepared[path], self._max_message)
                methods[path] = Endpoint(each, plan, self._running).method_handler()
        return methods

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: It does not listen yet.
        """
        if self._port is None:
            raise RuntimeError("the gRPC transport does not listen yet; its port is known inside `async with`")
        return self._port

    @property
    def target(self) -> str:
        """Where a client on this machine reaches it: ``127.0.0.1:9090``."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104  # looked up, not listened on
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen and answer.

        Raises:
            AddressInUse: Another process listens there.
            OSError: The address cannot be listened on.
        """
        if not self._shared:
            await asyncio.get_running_loop().run_in_executor(None, _probe, self.host, self._wanted)
        server = grpc.aio.server(options=self._options())
        self._add_handlers(server)
        try:
            self._port = self._add_port(server)
        except RuntimeError:
            raise AddressInUse(self.host, self._wanted) from None
        await server.start()
        self._server = server
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; what is still running is cancelled."""
        await self.stop(0)

    def _add_port(self, server: grpc.aio.Server) -> int:
        address = _address(self.host, self._wanted)
        if self._tls is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, self._tls.credentials())

    def _options(self) -> list[tuple[str, int]]:
        return [
            # On by default: a second process would take half of the calls in silence.
            ("grpc.so_reuseport", int(self._shared)),
            ("grpc.max_receive_message_length", self._max_message),
            ("grpc.max_send_message_length", -1),  # looked at before, where it can still roll back
            ("grpc.max_metadata_size", _METADATA),
            ("grpc.absolute_max_metadata_size", 2 * _METADATA),
            ("grpc.keepalive_time_ms", 60_000),  # a peer that vanished without a word is noticed
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ]

    def _add_handlers(self, server: grpc.aio.Server) -> None:
        handlers: list[grpc.GenericRpcHandler] = [self._services]
        if self._reflection:
            handlers += reflection_handlers(self.contracts, [HEALTH], self._running)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        server.add_generic_rpc_handlers((*handlers, _Unknown()))

    def set_serving(self, serving: bool) -> None:  # noqa: FBT001  # the verb says what it means
        """Say over ``grpc.health.v1`` whether calls are welcome; in step with readiness.

        Every call is answered all the same.
        """
        self._health.set(serving=serving)

    def wind_down(self) -> None:
        """Tell clients to look elsewhere: health turns NOT_SERVING, everything is still answered."""
        self.set_serving(False)

    def stop_accepting(self) -> None:
        """Take no new connection and no new call; clients are told to go (GOAWAY)."""
        if self._server is None or self._closing is not None:
            return
        self._health.end()
        self._running.dismiss()
        self._closing = asyncio.get_running_loop().create_task(self._server.stop(_LONG))

    async def stop(self, grace: float = 0.0, *, patience: float = _PATIENCE) -> None:
        """Stop, giving the calls in flight *grace* seconds to end; the rest is cancelled with UNAVAILABLE.

        Args:
            grace: Seconds.
            patience: Seconds that cancelled calls get to close their scopes.
        """
        server = self._server
        if server is None:
            return
        self.stop_accepting()
        await asyncio.sleep(0)  # let it begin
        if not await self._running.wait(grace):
            self._running.cancel(Unavailable("the service is stopping"))
            await self._running.wait(patience)
        await server.stop(_FLUSH)
        if self._closing is not None:
            await self._closing
        self._server = self._closing = None

    def statistics(self) -> TransportStatistics:
        """Return how many calls there are and were."""
        return TransportStatistics(now=len(self._running), started=self._running.started)


class _Services(grpc.GenericRpcHandler):
    """Finds the method that a call names."""

    def __init__(self, methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]]) -> None:
        self._methods = methods

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._methods.get(handler_call_details.method)


class _Unknown(grpc.GenericRpcHandler):
    """Answers what nothing else did, with the same kind of status as everything else."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        path = handler_call_details.method

        async def answer(_: object, context: Context) -> None:
            error = Unimplemented(f"no method {path} here")
            call_id = request_id(context.invocation_metadata() or ()) or ""
            refuse(context, error, domain=path.strip("/").partition("/")[0], call_id=call_id)

        return grpc.stream_stream_rpc_method_handler(answer)


def _address(host: str, port: int) -> str:
    return f"[{host or '::'}]:{port}" if ":" in (host or "::") else f"{host}:{port}"


def _probe(host: str, port: int) -> None:
    """Raise the true reason why *host* and *port* cannot be listened on; gRPC knows none."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressInUse(host, port) from None
            raise
