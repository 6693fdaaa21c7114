"""What components give each other: one that says what it needs gets it from those managed before it."""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Union, cast, get_args, get_origin

from hardy.core import Diagnostic, Place
from hardy.lifecycle import Component


@dataclass(frozen=True, slots=True)
class Want:
    """One keyword-only parameter of a component's ``wire``."""

    name: str
    port: object
    optional: bool
    """Whether ``None`` does where nothing fulfils it."""


class Supplies:
    """What is there for components to be wired with, by port.

    A port is fulfilled by the last component before the one that wants it that
    yields it, or a class derived from it: who wants a `Publisher` is given a
    `Broker`.

    Args:
        constants: What is there before any component is opened.
        ports: What each component fulfils, in their order.
    """

    def __init__(self, constants: Mapping[type, object], ports: Sequence[tuple[Component, object]]) -> None:
        self._constants = constants
        self._ports = ports
        self._values: dict[int, object] = {}

    def fill(self, component: Component, value: object) -> None:
        """Keep what *component* yielded."""
        self._values[id(component)] = value

    def replace(self, overrides: Mapping[object, object]) -> None:
        """Let *overrides* stand in for the components of their ports, as a test says."""
        self._constants = {**self._constants, **cast("Mapping[type, object]", overrides)}

    def source(self, port: object, *, before: Component | None = None) -> Component | None:
        """Return the component that fulfils *port*, the last one *before* another; ``None`` where a constant does."""
        if port in self._constants:
            return None
        found: Component | None = None
        for component, offered in self._ports:
            if component is before:
                break
            if port in getattr(offered, "__mro__", (offered,)):
                found = component
        return found

    def value(self, port: object, *, before: Component | None = None) -> object | None:
        """Return what fulfils *port* now that its component is open; ``None`` when nothing does."""
        if port in self._constants:
            return self._constants[cast("type", port)]
        component = self.source(port, before=before)
        return None if component is None else self._values.get(id(component))

    def has(self, port: object, *, before: Component | None = None) -> bool:
        """Tell whether anything fulfils *port*."""
        return port in self._constants or self.source(port, before=before) is not None

    def wire(self, component: Component) -> None:
        """Give *component* what its ``wire`` asks for; it asks for nothing without one."""
        if (method := _method(component)) is not None:
            method(**{want.name: self.value(want.port, before=component) for want in wants(component)})

    def check(self, component: Component) -> Sequence[Diagnostic]:
        """Return what *component* asks for that no component before it fulfils."""
        return [
            _unmet(component, want, late=self.source(want.port) is not None)
            for want in wants(component)
            if not want.optional and not self.has(want.port, before=component)
        ]


def wants(component: Component) -> Sequence[Want]:
    """Return what *component* asks for by its ``wire``."""
    method = _method(component)
    if method is None:
        return ()
    hints = typing.get_type_hints(method)
    return [
        Want(name, *_port(hints[name]))
        for name, each in signature(method).parameters.items()
        if each.kind is Parameter.KEYWORD_ONLY
    ]


def _method(component: Component) -> Callable[..., object] | None:
    method: object = getattr(component, "wire", None)
    return method if callable(method) else None


def _port(hint: object) -> tuple[object, bool]:
    if get_origin(hint) in {Union, UnionType}:
        members = [each for each in get_args(hint) if each is not NoneType]
        if len(members) < len(get_args(hint)):
            return (members[0], True)
    return (hint, False)


def _unmet(component: Component, want: Want, *, late: bool) -> Diagnostic:
    name, port = type(component).__qualname__, getattr(want.port, "__name__", str(want.port))
    remedy = (
        f"manage it before `{name}`: what is managed first is opened first"
        if late
        else f"manage one that does, before `{name}`: app.manage(...)"
    )
    return Diagnostic(
        code="H0708",
        title=f"`{name}` needs a `{port}`, and no component before it is one",
        place=Place.of(type(component)),
        helps=(remedy,),
    )
