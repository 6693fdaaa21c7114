"""The same service as an ASGI application, for a host that brings its own server."""

from contextlib import AsyncExitStack

from hardy.app._assembly import Assembly
from hardy.app._build import Build, Source, load_for, make
from hardy.app._doors import http_transport
from hardy.app._service import Service
from hardy.transport import http


def asgi(build: Build) -> http.AsgiApp:
    """Return the service as an ASGI 3 application: ``uvicorn --factory orders.app:asgi``.

    Settings are loaded and everything is checked at once; components open when
    the host starts the application and close when it stops. The host then owns
    signals, drain, limits and slow clients, and there is no gRPC.

    Raises:
        BuildFailed: With everything that is wrong.

    Example:
        >>> from hardy import App, public
        >>> from hardy.transport import http
        >>> async def hello() -> str:
        ...     return "hello"
        >>> def build() -> App:
        ...     app = App("hello")
        ...     app.expose(hello, http.get("/hello"), allow=public)
        ...     return app
        >>> def application():
        ...     return asgi(build)
    """
    return asgi_of(Assembly(make(build, load_for(build, Source()).settings)))


def asgi_of(assembly: Assembly) -> http.AsgiApp:
    """Return a checked service as an ASGI 3 application."""
    service = Service(assembly)
    mounts = [http.Mount(each.path, each.application) for each in assembly.app.mounts]
    transport = http_transport(assembly, mounts)
    stack = AsyncExitStack()

    async def start() -> None:
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(service)
            for mount in mounts:
                await opening.enter_async_context(mount)
            stack.push_async_exit(opening.pop_all())

    body = assembly.app.settings.limits.body
    return http.Asgi(transport.handle, refuse=transport.refuse, start=start, stop=stack.aclose, max_body=body)
