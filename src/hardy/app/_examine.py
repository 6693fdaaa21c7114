"""Everything that is wrong with a service, found without opening or calling anything."""

from collections.abc import Sequence

from hardy.app._app import App
from hardy.app._documents import described
from hardy.app._wiring import Wiring
from hardy.auth import check_operation
from hardy.core import BuildFailed, Diagnostic, Operation
from hardy.lifecycle import Checks
from hardy.transport import http


def examine(app: App) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong with *app*."""
    faults = list(app.faults)
    operations = [each.operation for each in app.exposures]
    for each in app.exposures:
        faults += check_operation(each.operation)
        for binding in each.bindings:
            faults += binding.check(each.operation)
    faults += _configure(app)
    for component in app.components:
        faults += component.check() if isinstance(component, Checks) else ()
    faults += _same_names(operations)
    faults += http.clashes(described(app, "http"))
    if bound := described(app, "grpc"):
        from hardy.transport import grpc

        faults += grpc.check(bound, environment=app.settings.environment)
    faults += Wiring(app).container.check(operations)
    return tuple(faults)


def _configure(app: App) -> list[Diagnostic]:
    """Tell the authenticators where they are, which some trust more in dev than elsewhere."""
    faults: list[Diagnostic] = []
    for each in app.authenticators:
        configure = getattr(each, "configure", None)
        if not callable(configure):
            continue
        try:
            configure(app.settings.environment)
        except BuildFailed as failed:
            faults += failed.diagnostics
    return faults


def _same_names(operations: Sequence[Operation]) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    seen: dict[str, Operation] = {}
    for operation in operations:
        first = seen.setdefault(operation.name, operation)
        if first is operation:
            continue
        again = first.function is operation.function
        title = f"`{operation.name}` is exposed twice" if again else f"two use cases are called `{operation.name}`"
        remedy = "put all its bindings into one `expose` line" if again else "rename one: the name is the operation's"
        notes = (f"the first is at {first.place.location}",) if first.place else ()
        faults.append(Diagnostic(code="H0660", title=title, place=operation.place, notes=notes, helps=(remedy,)))
    return faults
