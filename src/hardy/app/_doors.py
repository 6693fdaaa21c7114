"""What lets calls in: the HTTP server and the gRPC server, seen alike by whoever takes them down."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from hardy.app._admin import Admin, Facts
from hardy.app._assembly import Assembly
from hardy.app._documents import openapi
from hardy.app._tls import grpc_files, tls_of
from hardy.core import Logger
from hardy.lifecycle import Health
from hardy.resilience import CallShed
from hardy.server import Limits, Place, Request, Response, Server, Timeouts
from hardy.transport import http

if TYPE_CHECKING:
    from hardy.transport import grpc


CLOSE = 0.05
"""Seconds that a server closed without a drain gives what it is answering, and again when that is cancelled."""


SETTLE = 0.05
"""Seconds in which handshakes come to their end before listening does."""


class Door(Protocol):
    """Something that lets calls in."""

    def wind_down(self) -> None:
        """Keep serving, and tell each caller to come back elsewhere."""
        ...

    async def stop_accepting(self) -> None:
        """Take in what was accepted already, then nothing more."""
        ...

    async def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is being answered any more; return whether that came in time."""
        ...

    async def finish(self, timeout: float) -> None:
        """Give answers that are made the time to get out, then cut what is left."""
        ...


class HttpDoor:
    """The HTTP server as a door. What a mounted application still answers, only it knows.

    Args:
        server: The server.
        others: Tells whether other processes go on listening on its sockets.
            Left out, they may where the sockets were given.
    """

    def __init__(self, server: Server, *, others: Callable[[], bool] | None = None) -> None:
        self._server = server
        self._others = others

    def wind_down(self) -> None:
        """Answer on, with ``Connection: close``."""
        self._server.wind_down()

    async def stop_accepting(self) -> None:
        """Empty the backlog, then listen no more."""
        await self._server.stop_accepting(settle=SETTLE, others=None if self._others is None else self._others())

    async def wait_idle(self, timeout: float) -> bool:
        """Wait until the last connection is closed."""
        return await self._server.wait_idle(timeout)

    async def finish(self, timeout: float) -> None:
        """Wait for the last bytes, then cut the connections."""
        if not await self._server.wait_idle(timeout):
            self._server.abort()


class GrpcDoor:
    """The gRPC server as a door."""

    def __init__(self, transport: "grpc.Transport") -> None:
        self._transport = transport

    def wind_down(self) -> None:
        """Turn gRPC health NOT_SERVING; everything is still answered."""
        self._transport.wind_down()

    async def stop_accepting(self) -> None:
        """Take no new connection and no new call."""
        self._transport.stop_accepting()

    async def wait_idle(self, timeout: float) -> bool:
        """Return at once: every call that came in by this door is among those in flight."""
        return True

    async def finish(self, timeout: float) -> None:
        """Wait for the last status, then close."""
        await self._transport.stop(timeout, patience=0)


def http_transport(assembly: Assembly, mounts: Sequence[http.Mount]) -> http.Transport:
    """Return what answers HTTP requests with the operations of *assembly*."""
    app = assembly.app
    exposed = assembly.exposed("http")
    limits = app.settings.limits
    pages = {}
    if app.settings.http.docs:
        pages = http.pages(openapi(app))
    return http.Transport(
        exposed,
        json_case=app.json_case,
        challenges=[each.challenge for each in app.authenticators],
        pages=pages,
        mounts=mounts,
        trusted_proxies=app.settings.http.trusted_proxies,
        proxy_header=app.settings.http.proxy_header,
        hosts=app.settings.http.hosts,
        compression=app.settings.http.compression,
        emit=assembly.notices,
        bounds=http.Bounds(
            body_ratio=limits.body_ratio,
            message=limits.message,
            form=limits.form,
            form_parts=limits.form_parts,
            form_field=limits.form_field,
            form_headers=limits.form_headers,
            file_memory=limits.file_memory,
        ),
    )


def http_server(assembly: Assembly, transport: http.Transport, bind: Iterable[Place]) -> Server:
    """Return the engine that serves *transport*."""
    settings = assembly.app.settings
    limits = settings.limits
    shed = assembly.shed

    def refuse(request: Request) -> Response:
        assembly.notices(CallShed(transport="http"))
        return transport.shed(request)

    return Server(
        transport.handle,
        load=None if shed is None else shed.guard("http"),
        render_shed=refuse,
        bind=bind,
        tls=tls_of(settings.http.tls),
        limits=Limits(
            request_line=limits.request_line,
            headers=limits.headers,
            header_bytes=limits.header_bytes,
            body=limits.body,
            connections=limits.connections,
            connections_per_peer=limits.connections_per_peer,
            requests_per_connection=limits.requests_per_connection,
            pipelined_bytes=limits.pipelined,
            unread_body=limits.unread_body,
            buffered_body=limits.buffered_body,
            buffered_reply=limits.buffered_reply,
        ),
        timeouts=Timeouts(
            idle=limits.idle_timeout,
            header=limits.header_timeout,
            body=limits.body_timeout,
            keep_alive=limits.keep_alive,
            write=limits.write_timeout,
            linger=limits.linger_timeout,
            min_rate=limits.min_rate,
            close=CLOSE,
        ),
        on_error=_tell(assembly.logger),
        emit=assembly.notices,
        render_error=transport.refuse,
    )


def admin_server(
    assembly: Assembly,
    health: Health,
    facts: Mapping[str, Facts],
    bind: Iterable[Place],
) -> Server:
    """Return the server that probes ask; its errors look like those of REST."""
    refuse = http.Transport(()).refuse
    return Server(
        Admin(health, facts, refuse).handle,
        bind=bind,
        tls=tls_of(assembly.app.settings.admin.tls),
        timeouts=Timeouts(close=CLOSE),
        on_error=_tell(assembly.logger),
        emit=assembly.notices,
        render_error=refuse,
    )


def _tell(logger: Logger) -> Callable[[BaseException, Request | None], None]:
    def tell(error: BaseException, request: Request | None) -> None:
        logger.error("the server failed", path=None if request is None else request.path, exc_info=error)

    return tell


def grpc_transport(assembly: Assembly, host: str, port: int, *, shared: bool = False) -> "grpc.Transport":
    """Return the gRPC server of *assembly*."""
    from hardy.transport import grpc

    settings = assembly.app.settings
    return grpc.Transport(
        assembly.exposed("grpc"),
        host=host,
        port=port,
        reflection=settings.grpc.reflection,
        max_message=settings.grpc.max_message,
        environment=settings.environment,
        shared=shared,
        tls=grpc_files(settings.grpc.tls),
    )
