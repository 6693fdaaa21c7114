"""What it means that a service could not be opened, in words for whoever starts it."""

from collections.abc import Generator
from contextlib import contextmanager

from hardy.app._address import not_permitted, path_in_use, port_in_use
from hardy.app._app import App
from hardy.app._blame import blame
from hardy.core import BuildFailed, Diagnostic
from hardy.server import AddressInUse

_NOTE = "while opening "


@contextmanager
def explained(app: App) -> Generator[None]:
    """Turn whatever keeps *app* from opening inside the block into diagnostics.

    Raises:
        BuildFailed: An address is taken (exit code 4), or something that the
            service needs cannot be opened (5).
    """
    try:
        yield
    except BuildFailed:
        raise
    except AddressInUse as taken:
        raise BuildFailed([taken_address(app, taken)]) from None
    except Exception as error:  # whatever a component or a door raises, the service cannot start
        raise BuildFailed([_unopened(error)]) from error


def taken_address(app: App, taken: AddressInUse) -> Diagnostic:
    """Return the diagnostic for an address of *app* that another process listens on."""
    settings = app.settings
    if not taken.port:
        return path_in_use(taken.host, f"{settings.prefix}_HTTP__SOCKET")
    ports = {
        settings.http.port: ("--port", "HTTP__PORT"),
        settings.grpc.port: ("--grpc-port", "GRPC__PORT"),
        settings.admin.port: ("--admin-port", "ADMIN__PORT"),
    }
    flag, variable = ports.get(taken.port, ("--port", "HTTP__PORT"))
    return port_in_use(taken.port, flag=flag, variable=f"{settings.prefix}_{variable}")


def _unopened(error: Exception) -> Diagnostic:
    opening = next((note for note in getattr(error, "__notes__", ()) if note.startswith(_NOTE)), None)
    if isinstance(error, OSError) and opening is None:
        return not_permitted(error)
    blamed = blame(error)
    what = opening.removeprefix(_NOTE) if opening else "what the service needs"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Diagnostic(
        code="H0402",
        title=f"{what} cannot be opened: {said}",
        place=blamed.place,
        body=blamed.frames,
        helps=("see what it was told with: hardy show config",),
    )
