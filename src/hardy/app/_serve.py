"""Serves an app until a signal says to stop."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeVar

from hardy.app._address import not_permitted, port_in_use
from hardy.app._app import App
from hardy.app._assembly import Assembly
from hardy.app._blame import blame
from hardy.app._boot import tell_started
from hardy.app._service import Listen, Service
from hardy.core import BuildFailed, Diagnostic
from hardy.lifecycle import Signals
from hardy.server import AddressInUse

T = TypeVar("T")


def serve(
    app: App, *, ready: Callable[[Service], None] | None = None, listen: Mapping[str, Listen] | None = None
) -> None:
    """Serve *app* on its settings' addresses until SIGTERM or SIGINT, then drain.

    Args:
        app: What to serve.
        ready: Called once the service listens.
        listen: Where ``http``, ``grpc`` and ``admin`` listen, when not where
            the settings say; `wanted` tells those.

    Raises:
        BuildFailed: The app is wrong (exit codes 3 and 7), an address is taken
            (4), or something it needs cannot be opened (5).
    """
    run_loop(serving(app, ready=ready, listen=listen))


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
        places["http"] = Listen(settings.http.host, settings.http.port)
    if "grpc" in used:
        places["grpc"] = Listen(settings.grpc.host, settings.grpc.port)
    return places


async def serving(
    app: App, *, ready: Callable[[Service], None] | None = None, listen: Mapping[str, Listen] | None = None
) -> None:
    """Serve *app* inside a running loop; see `serve`."""
    started = time.monotonic()
    assembly = Assembly(app)
    places = wanted(app) if listen is None else listen
    service = Service(assembly, http=places.get("http"), grpc=places.get("grpc"), admin=places.get("admin"))
    async with Signals() as signals:
        try:
            await service.__aenter__()
        except BuildFailed:
            raise
        except AddressInUse as taken:
            raise BuildFailed([taken_address(app, taken)]) from None
        except Exception as error:  # whatever a component or a door raises, the service cannot start
            raise BuildFailed([_unopened(error)]) from error
        try:
            tell_started(service, time.monotonic() - started)
            if ready is not None:
                ready(service)
            await signals.drain.wait()
            await service.shutdown(force=signals.force).run()
        finally:
            await service.__aexit__(*sys.exc_info())


def taken_address(app: App, taken: AddressInUse) -> Diagnostic:
    """Return the diagnostic for an address of *app* that another process listens on."""
    settings = app.settings
    ports = {
        settings.http.port: ("--port", "HTTP__PORT"),
        settings.grpc.port: ("--grpc-port", "GRPC__PORT"),
        settings.admin.port: ("--admin-port", "ADMIN__PORT"),
    }
    flag, variable = ports.get(taken.port, ("--port", "HTTP__PORT"))
    return port_in_use(taken.host, taken.port, flag=flag, variable=f"{settings.prefix}_{variable}")


def _unopened(error: Exception) -> Diagnostic:
    opening = next((note for note in getattr(error, "__notes__", ()) if note.startswith("while opening")), None)
    if isinstance(error, OSError) and opening is None:
        return not_permitted(error)
    blamed = blame(error)
    what = opening.removeprefix("while opening ") if opening else "what the service needs"
    return Diagnostic(
        code="H0402",
        title=f"{what} cannot be opened: {type(error).__name__}: {error}",
        place=blamed.place,
        body=blamed.frames,
        helps=("see what it was told with: hardy show config",),
    )


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
