"""Serves an app until a signal says to stop."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

from hardy.app._address import port_in_use
from hardy.app._app import App
from hardy.app._assembly import Assembly
from hardy.app._boot import tell_started
from hardy.app._service import Listen, Service
from hardy.core import BuildFailed, Diagnostic
from hardy.lifecycle import Signals
from hardy.server import AddressInUse

T = TypeVar("T")


def serve(app: App, *, ready: Callable[[Service], None] | None = None) -> None:
    """Serve *app* on its settings' addresses until SIGTERM or SIGINT, then drain.

    Args:
        app: What to serve.
        ready: Called once the service listens.

    Raises:
        BuildFailed: The app is wrong (exit codes 3 and 7), or an address is taken (4).
    """
    run_loop(serving(app, ready=ready))


async def serving(app: App, *, ready: Callable[[Service], None] | None = None) -> None:
    """Serve *app* inside a running loop; see `serve`."""
    started = time.monotonic()
    assembly = Assembly(app)
    settings = app.settings
    service = Service(
        assembly,
        http=Listen(settings.http.host, settings.http.port) if _has_http(app) else None,
        grpc=Listen(settings.grpc.host, settings.grpc.port),
        admin=Listen(settings.admin.host, settings.admin.port),
    )
    async with Signals() as signals:
        try:
            await service.__aenter__()
        except AddressInUse as taken:
            raise BuildFailed([_taken(app, taken)]) from None
        try:
            tell_started(service, time.monotonic() - started)
            if ready is not None:
                ready(service)
            await signals.drain.wait()
            await service.shutdown(force=signals.force).run()
        finally:
            await service.__aexit__(*sys.exc_info())


def _has_http(app: App) -> bool:
    return bool(app.mounts) or any(each.transport == "http" for line in app.exposures for each in line.bindings)


def _taken(app: App, taken: AddressInUse) -> Diagnostic:
    settings = app.settings
    ports = {
        settings.http.port: ("--port", "HTTP__PORT"),
        settings.grpc.port: ("--grpc-port", "GRPC__PORT"),
        settings.admin.port: ("--admin-port", "ADMIN__PORT"),
    }
    flag, variable = ports.get(taken.port, ("--port", "HTTP__PORT"))
    return port_in_use(taken.host, taken.port, flag=flag, variable=f"{settings.prefix}_{variable}")


def run_loop(main: Coroutine[object, object, T]) -> T:
    """Run *main* on uvloop, or on asyncio's own loop where there is none."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
