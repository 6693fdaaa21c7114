"""Fills the container from the app's lines, and finds which components are needed."""

from collections.abc import Callable, Mapping, Sequence

from hardy.app._parts import Parts
from hardy.core import Call, Clock, Deadline, Logger, Principal, SystemClock
from hardy.di import Container
from hardy.lifecycle import Brings, Component

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
    """

    def __init__(self, app: Parts) -> None:
        self.container = Container(dict(BUILTINS), {Clock: app.clock or SystemClock()})
        self._ports = {id(component): self._declare(component) for component in app.components}
        for each in app.provided:
            self.container.provide(each.factory, scope=each.scope)
        operations = [each.operation for each in app.exposures]
        before = self.container.required(operations)
        # Entered and never left: the container is this wiring's alone.
        overrides = _merged(app.overrides)
        self.container.override(overrides).__enter__()
        idle = (before - self.container.required(operations)) | overrides.keys()
        self.components: Sequence[Component] = [each for each in app.components if self._is_needed(each, before, idle)]

    def _declare(self, component: Component) -> frozenset[object]:
        port = port_of(component)
        self.container.declare(port, type(component).__qualname__)
        brought = [self.container.provide(factory) for factory in _brought_by(component)]
        return frozenset([port, *(each for each in brought if each is not None)])

    def _is_needed(self, component: Component, before: frozenset[object], idle: frozenset[object]) -> bool:
        used = self._ports[id(component)] & before
        return not used or not used <= idle


def port_of(component: Component) -> object:
    """Return the port that *component* fulfils: the one it names, or its own class."""
    named: object = getattr(component, "port", None)
    return type(component) if named is None else named


def _brought_by(component: Component) -> Sequence[Callable[..., object]]:
    return component.providers() if isinstance(component, Brings) else ()


def _merged(overrides: Sequence[Mapping[object, object]]) -> dict[object, object]:
    return {port: value for each in overrides for port, value in each.items()}
