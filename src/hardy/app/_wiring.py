"""Fills the container from the app's lines, and finds which components are needed."""

from collections.abc import Callable, Mapping, Sequence

from hardy.app._lanes import LANES, port_of_lane, unserved
from hardy.app._parts import Parts
from hardy.app._policies import ports_of_policies
from hardy.app._supplies import Supplies, wants
from hardy.core import Call, Clock, Deadline, Diagnostic, Logger, Notices, Operation, Principal, SystemClock
from hardy.di import Container
from hardy.lifecycle import Brings, Component
from hardy.queueing import Queues

BUILTINS: Mapping[type, Callable[[Call], object]] = {
    Principal: lambda call: call.principal,
    Call: lambda call: call,
    Deadline: lambda call: call.deadline,
    Logger: lambda call: call.log,
}


class Wiring:
    """The container of an app, with its overrides, and the components to open.

    A component that only replaced ports needed is left out, so that a test which
    overrides ``Orders`` needs no database.

    Args:
        app: The lines.
        notices: What components that ask for `Notices` are wired with.
        logger: What those that ask for a `Logger` are.
    """

    def __init__(self, app: Parts, *, notices: Notices | None = None, logger: Logger | None = None) -> None:
        self.clock = app.clock or SystemClock()
        self.container = Container(dict(BUILTINS), {Clock: self.clock})
        self.supplies = Supplies(
            {Clock: self.clock, Notices: notices, Logger: logger, Queues: _queues(app)},
            [(component, port_of(component)) for component in app.components],
        )
        self._ports = {id(component): self._declare(component) for component in app.components}
        for each in app.provided:
            self.container.provide(each.factory, scope=each.scope)
        operations = [each.operation for each in app.exposures]
        self._bound = _bound_to_lanes(app)
        self._policed = ports_of_policies(app)
        before = self.container.required(operations)
        overrides = self._override(_merged(app.overrides), app.components, before)
        idle = (before - self.container.required(operations)) | overrides
        self.components: Sequence[Component] = self._needed(app.components, before, idle)

    def check(self) -> Sequence[Diagnostic]:
        """Return what components and lanes ask for that nothing fulfils."""
        unmet = [fault for component in self.components for fault in self.supplies.check(component)]
        return [*unmet, *unserved(self._bound, self.supplies)]

    def _declare(self, component: Component) -> frozenset[object]:
        port = port_of(component)
        self.container.declare(port, type(component).__qualname__)
        brought = [self.container.provide(factory) for factory in _brought_by(component)]
        return frozenset([port, *(each for each in brought if each is not None)])

    def _override(
        self, overrides: Mapping[object, object], components: Sequence[Component], before: frozenset[object]
    ) -> frozenset[object]:
        """Let *overrides* stand in, those of calls in the container, those of components in the supplies."""
        asked = {want.port for component in components for want in wants(component)}
        asked |= {port_of_lane(transport) for transport, _ in self._bound} | self._policed
        self.supplies.replace({port: value for port, value in overrides.items() if port in asked})
        # Entered and never left: the container is this wiring's alone. What only components ask for it need not know.
        self.container.override(
            {port: value for port, value in overrides.items() if port in before or port not in asked}
        ).__enter__()
        return frozenset(overrides)

    def _needed(
        self, components: Sequence[Component], before: frozenset[object], idle: frozenset[object]
    ) -> Sequence[Component]:
        kept = {id(each) for each in components if self._is_needed(each, before, idle)}
        for transport, _ in self._bound:
            kept |= _ids(self.supplies.source(port_of_lane(transport)))
        for component in reversed(components):  # who is wired with another keeps that one, too
            if id(component) in kept:
                for want in wants(component):
                    kept |= _ids(self.supplies.source(want.port, before=component))
        return [each for each in components if id(each) in kept]

    def _is_needed(self, component: Component, before: frozenset[object], idle: frozenset[object]) -> bool:
        used = self._ports[id(component)] & before
        return not used <= idle if used else port_of(component) not in idle


def port_of(component: Component) -> object:
    """Return the port that *component* fulfils: the one it names, or its own class."""
    named: object = getattr(component, "port", None)
    return type(component) if named is None else named


def _ids(component: Component | None) -> set[int]:
    return set() if component is None else {id(component)}


def _bound_to_lanes(app: Parts) -> list[tuple[str, Operation]]:
    return [
        (binding.transport, each.operation)
        for each in app.exposures
        for binding in each.bindings
        if binding.transport in LANES
    ]


def _queues(app: Parts) -> Queues:
    """Return which use case is bound to which queue, for what brings `hardy.Jobs`."""
    bound = [(each.operation, binding.describe()) for each in app.exposures for binding in each.bindings]
    return Queues((operation, str(facts["queue"])) for operation, facts in bound if facts["transport"] == "jobs")


def _brought_by(component: Component) -> Sequence[Callable[..., object]]:
    return component.providers() if isinstance(component, Brings) else ()


def _merged(overrides: Sequence[Mapping[object, object]]) -> dict[object, object]:
    return {port: value for each in overrides for port, value in each.items()}
