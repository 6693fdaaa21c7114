"""Everything that is wrong with a service, found without opening or calling anything."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hardy.app._documents import described
from hardy.app._parts import Exposure, Parts
from hardy.app._policies import check_policies, planned
from hardy.app._wiring import Wiring
from hardy.auth import check_operation, is_internal
from hardy.config import Settings
from hardy.core import BuildFailed, Diagnostic, Operation
from hardy.lifecycle import Checks, Component
from hardy.schema import check_type
from hardy.transport import http

if TYPE_CHECKING:
    from hardy.messaging import Topic


@runtime_checkable
class Publishes(Protocol):
    """A component that publishes events: an outbox."""

    topics: "Mapping[type, Topic]"


_OUTSIDE = frozenset({"http", "grpc"})
"""The transports of bindings on which strangers knock."""


def examine(app: Parts) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong with *app*."""
    faults = list(app.faults)
    operations = [each.operation for each in app.exposures]
    for each in app.exposures:
        faults += check_operation(each.operation)
        for binding in each.bindings:
            faults += binding.check(each.operation)
        faults += _unreachable(each)
        if not any(binding.transport in _OUTSIDE for binding in each.bindings):
            faults += _types(each.operation)
    faults += _configure(app)
    faults += _mounts(app)
    for component in app.components:
        faults += component.check() if isinstance(component, Checks) else ()
    faults += _same_names(operations)
    faults += http.clashes(described(app, "http"))
    if bound := described(app, "grpc"):
        from hardy.transport import grpc

        faults += grpc.check(bound, environment=app.settings.environment)
    published = [each.topics for each in app.components if isinstance(each, Publishes)]
    if (bound := described(app, "events")) or published:
        from hardy.transport import events

        faults += events.check(bound, published, service=app.name)
    if bound := described(app, "jobs"):
        from hardy.transport import jobs

        faults += jobs.check(bound)
    wiring = Wiring(app)
    faults += wiring.check()
    faults += check_policies(app, wiring.supplies)
    faults += _alone(app.settings, wiring.components)
    faults += wiring.container.check([planned(each, wiring.supplies) for each in operations])
    return tuple(faults)


def _unreachable(exposure: Exposure) -> list[Diagnostic]:
    """Refuse a door for strangers on an operation that lets none of them in."""
    operation = exposure.operation
    outside = [each.transport for each in exposure.bindings if each.transport in _OUTSIDE]
    if not outside or operation.allow is None or not is_internal(operation.allow):
        return []
    return [
        Diagnostic(
            code="H0643",
            title=f"`{operation.name}` is internal, and bound to {' and '.join(sorted(set(outside)))}",
            place=operation.place,
            notes=("internal lets in topics, schedules, jobs and commands, and nobody from outside",),
            helps=(
                f"remove the binding from its `expose` line: app.expose({operation.name}, allow=internal)",
                'allow=any_of(internal, has_scope("...")), when some from outside may call it',
            ),
        )
    ]


def _types(operation: Operation) -> list[Diagnostic]:
    """Check the types of an operation that has no route or method to do so: a command, or one that tests call."""
    message = check_type(operation.message, what=f"the message of `{operation.name}`", place=operation.place)
    return [*message, *check_type(operation.reply, what=f"the reply of `{operation.name}`", place=operation.place)]


def _mounts(app: Parts) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    seen: set[str] = set()
    for each in app.mounts:
        path = each.path.rstrip("/")
        if not each.path.startswith("/"):
            remedy = f'app.mount("/{each.path}", ...)'
            faults.append(Diagnostic(code="H0663", title=f"`{each.path}` is no path to mount at", helps=(remedy,)))
        elif path in seen:
            title = f"two applications are mounted at {each.path}"
            faults.append(Diagnostic(code="H0663", title=title, helps=(f'app.mount("{path}/v2", ...)',)))
        seen.add(path)
    return faults


def _alone(settings: Settings, components: Sequence[Component]) -> list[Diagnostic]:
    """Refuse what only this process can see where several processes have to share it."""
    if settings.environment != "production" or settings.replicas == 1:
        return []
    return [
        Diagnostic(
            code="H0662",
            title=f"{settings.replicas} replicas have to share `{type(each).__qualname__}`, which is one process's own",
            notes=("each replica would have one of its own, and they would disagree",),
            helps=(
                str(getattr(each, "instead", "use one that replicas share, such as a database server")),
                f"run a single process: {settings.prefix}_REPLICAS=1",
            ),
        )
        for each in components
        if getattr(each, "process_local", False)
    ]


def _configure(app: Parts) -> list[Diagnostic]:
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
