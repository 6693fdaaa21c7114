"""Serves an app until a signal says to stop."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from hardy.app._app import App
from hardy.app._assembly import Assembly
from hardy.app._boot import tell_started
from hardy.app._loop import run_loop
from hardy.app._opening import explained
from hardy.app._service import Listen, Service
from hardy.core import BuildFailed
from hardy.lifecycle import Signals
from hardy.server import UnixSocket
from hardy.telemetry import capture_stdlib


def serve(
    app: App, *, ready: Callable[[Service], None] | None = None, listen: Mapping[str, Listen] | None = None
) -> bool:
    """Serve *app* on its settings' addresses until SIGTERM, SIGINT or SIGHUP, then drain.

    What libraries log with `logging` goes to the service's own log meanwhile.

    Args:
        app: What to serve.
        ready: Called once the service listens.
        listen: Where ``http``, ``grpc`` and ``admin`` listen, when not where
            the settings say; `wanted` tells those.

    Returns:
        Whether everything was closed without an error; the log has those there were.

    Raises:
        BuildFailed: The app is wrong (exit codes 3 and 7), an address is taken
            (4), or something it needs cannot be opened (5).
    """
    return run_loop(serving(app, ready=ready, listen=listen))


def wanted(app: App) -> dict[str, Listen]:
    """Return where the settings of *app* want its doors to listen; a door that it does not need is left out.

    Example:
        >>> sorted(wanted(App("hello")))
        ['admin']
    """
    settings = app.settings
    used = {each.transport for line in app.exposures for each in line.bindings}
    places = {"admin": Listen(settings.admin.host, settings.admin.port)}
    if "http" in used or app.mounts:
        path = settings.http.socket
        unix = None if path is None else UnixSocket(path, int(settings.http.socket_mode, 8))
        places["http"] = Listen(settings.http.host, settings.http.port, path=unix)
    if "grpc" in used:
        places["grpc"] = Listen(settings.grpc.host, settings.grpc.port)
    return places


async def serving(
    app: App, *, ready: Callable[[Service], None] | None = None, listen: Mapping[str, Listen] | None = None
) -> bool:
    """Serve *app* inside a running loop, in its main thread; see `serve`."""
    started = time.monotonic()
    assembly = Assembly(app)
    places = wanted(app) if listen is None else listen
    service = Service(assembly, http=places.get("http"), grpc=places.get("grpc"), admin=places.get("admin"))
    with capture_stdlib(assembly.logger, level=app.settings.telemetry.level):
        async with Signals(*_told_by()) as signals:
            if not await _open(service, signals):
                assembly.logger.info("told to stop while starting", signal=signals.received[0])
                return True
            try:
                tell_started(service, time.monotonic() - started)
                if ready is not None:
                    ready(service)
                await signals.drain.wait()
                await service.shutdown(force=signals.force).run()
            except BaseException:
                await service.__aexit__(*sys.exc_info())
                raise
            return await close(service)


def _told_by() -> Sequence[signal.Signals]:
    """Return what ends one process: a terminal that closes does, too, unless `nohup` said to outlive it."""
    outlives = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT, *(() if outlives else (signal.SIGHUP,)))


async def _open(service: Service, signals: Signals) -> bool:
    """Open *service*; return whether it was done before a signal came, which undoes it."""
    try:
        with explained(service.assembly.app):
            async with _ended_by(signals):
                await service.__aenter__()
    except (asyncio.CancelledError, BuildFailed):
        if not signals.drain.is_set():
            raise
        return False
    return True


@asynccontextmanager
async def _ended_by(signals: Signals) -> AsyncGenerator[None]:
    """Cancel the block at the first signal. Not `asyncio.wait_for`: a service is opened and closed by one task."""
    task = asyncio.current_task()
    assert task is not None

    def end(_: "asyncio.Task[object]") -> None:
        task.cancel()

    told = asyncio.create_task(signals.drain.wait())
    told.add_done_callback(end)
    try:
        yield
    finally:
        told.remove_done_callback(end)
        told.cancel()
        if signals.drain.is_set():
            task.uncancel()


async def close(service: Service) -> bool:
    """Close *service* and return whether that went without an error, which is logged."""
    try:
        await service.__aexit__(None, None, None)
    except Exception as error:  # the calls are over, and there is nobody left who could mend it
        service.assembly.logger.error("the service did not close cleanly", exc_info=error)
        return False
    return True
