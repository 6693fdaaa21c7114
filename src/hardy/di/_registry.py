"""What is known about each port: who makes it, and what stands in for it in a test."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hardy.core import Call, Operation
from hardy.di._provider import Provider

Getter = Callable[[Call], object]
"""Reads a built-in need from the call."""


@dataclass(frozen=True, slots=True)
class Value:
    """A port whose object exists already: an override, or a constant of the app."""

    value: object


@dataclass(frozen=True, slots=True)
class Builtin:
    """A port that every call carries with it."""

    get: Getter


@dataclass(frozen=True, slots=True)
class Declared:
    """A port that a component yields when it is opened."""

    source: str


Maker = Value | Builtin | Declared | Provider


@dataclass(slots=True)
class Registry:
    """Every port and its maker."""

    builtins: Mapping[object, Getter]
    constants: Mapping[object, object]
    providers: dict[object, Provider] = field(default_factory=dict[object, Provider])
    declared: dict[object, Declared] = field(default_factory=dict[object, Declared])
    overrides: dict[object, object] = field(default_factory=dict[object, object])

    def maker(self, port: object, *, for_app: bool = False) -> Maker | None:
        """Return what makes *port*; *for_app*: for something that outlives every call."""
        if port in self.overrides:
            return Value(self.overrides[port])
        if port in self.builtins and not (for_app and port in self.constants):
            return Builtin(self.builtins[port])
        if port in self.constants:
            return Value(self.constants[port])
        return self.declared.get(port) or self.providers.get(port)

    def ports(self) -> Iterable[object]:
        """Every port that something makes."""
        return dict.fromkeys((*self.builtins, *self.constants, *self.declared, *self.providers, *self.overrides))

    def reached(self, operation: Operation) -> dict[object, Provider | None]:
        """Every port that *operation* needs, directly or not, with its provider if it has one."""
        found: dict[object, Provider | None] = {}
        waiting = [(need.type, False) for need in operation.needs]
        while waiting:
            port, for_app = waiting.pop()
            if port in found:
                continue
            maker = self.maker(port, for_app=for_app)
            found[port] = maker if isinstance(maker, Provider) else None
            if isinstance(maker, Provider):
                waiting += [(want.port, maker.scope == "app") for want in maker.wants]
        return found
