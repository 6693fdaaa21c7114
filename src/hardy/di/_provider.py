"""What makes a port: a function or an async generator function, read once."""

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from hardy.core import Diagnostic, Place

Scope = Literal["call", "app"]
"""How long what a provider makes lives."""

_STREAMS: frozenset[object] = frozenset(
    {collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator}
)


class Make(Enum):
    """How a provider hands over what it makes."""

    FUNCTION = "function"
    COROUTINE = "coroutine function"
    GENERATOR = "async generator"


@dataclass(frozen=True, slots=True)
class Want:
    """One parameter of a provider."""

    name: str
    port: object
    optional: bool = False
    """Whether it was written ``Port | None``."""
    defaulted: bool = False
    """Whether it has a default, which is kept when nothing provides the port."""
    keyword: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A function that makes a port, and what it needs to do so."""

    name: str
    factory: Callable[..., object]
    port: object
    scope: Scope
    make: Make
    wants: tuple[Want, ...]
    place: Place | None


def show(port: object) -> str:
    """Return a type the way it is written in source."""
    arguments = typing.get_args(port)
    origin = typing.get_origin(port)
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(show(each) for each in arguments)
    if arguments and isinstance(origin, type):
        return f"{origin.__name__}[{', '.join(show(each) for each in arguments)}]"
    return "None" if port is types.NoneType else getattr(port, "__name__", None) or str(port)


def read(factory: Callable[..., object], scope: Scope) -> Provider | list[Diagnostic]:
    """Return the provider that *factory* is, or everything that keeps it from being one."""
    reader = _Reader(factory)
    provider = reader.read(scope)
    return reader.faults if reader.faults or provider is None else provider


class _Reader:
    def __init__(self, factory: Callable[..., object]) -> None:
        self.factory = factory
        self.name: str = getattr(factory, "__name__", None) or repr(factory)
        self.faults: list[Diagnostic] = []

    def fault(self, title: str, *helps: str, at: str = "", label: str = "") -> None:
        place = Place.of(self.factory, highlight=at)
        self.faults.append(Diagnostic(code="H0706", title=title, place=place, label=label, helps=helps))

    def read(self, scope: Scope) -> Provider | None:
        make = self._make()
        hints = self._hints() if make else None
        if make is None or hints is None:
            return None
        port = self._port(hints, make)
        wants = self._wants(hints)
        return Provider(self.name, self.factory, port, scope, make, wants, Place.of(self.factory))

    def _make(self) -> Make | None:
        target = inspect.unwrap(self.factory)
        if not inspect.isroutine(target):
            what = "a class" if isinstance(target, type) else "an object"
            self.fault(
                f"`{self.name}` is {what}, and a provider is a function",
                f"write `def make(...) -> Port: return {self.name}(...)` and `app.provide(make)`",
            )
            return None
        if inspect.isgeneratorfunction(target):
            self.fault(
                f"`{self.name}` yields, so it is closed, and closing is async",
                f"write `async def {self.name}(...) -> AsyncIterator[Port]:`",
                at=f"def {self.name}",
                label="needs `async`",
            )
            return None
        if inspect.isasyncgenfunction(target):
            return Make.GENERATOR
        return Make.COROUTINE if inspect.iscoroutinefunction(target) else Make.FUNCTION

    def _hints(self) -> dict[str, object] | None:
        try:
            return typing.get_type_hints(self.factory, include_extras=True)
        except NameError as error:
            missing = error.name or str(error)
            self.fault(
                f"`{self.name}` has an annotation that cannot be resolved: `{missing}`",
                f"import `{missing}` at the top of the module, not under `if TYPE_CHECKING:`",
                at=missing,
                label="no such name when the service runs",
            )
        except (TypeError, SyntaxError, AttributeError) as error:
            self.fault(
                f"`{self.name}` has an annotation that cannot be resolved: {error}",
                f"write `def {self.name}(...) -> Port:` with types that exist when the service runs",
            )
        return None

    def _port(self, hints: dict[str, object], make: Make) -> object:
        port = hints.get("return")
        streams = typing.get_origin(port) in _STREAMS or port in _STREAMS
        wish = "AsyncIterator[Port]" if make is Make.GENERATOR else "Port"
        start = "async def" if make is not Make.FUNCTION else "def"
        if "return" not in hints:
            self.fault(
                f"`{self.name}` does not say which port it provides",
                f"write `{start} {self.name}(...) -> {wish}:`",
                at=f"def {self.name}",
                label=f"needs `-> {wish}`",
            )
        elif streams is not (make is Make.GENERATOR) or (streams and not typing.get_args(port)):
            verb = "yields what it provides" if make is Make.GENERATOR else "does not yield"
            self.fault(
                f"`{self.name}` {verb}, and is annotated `-> {show(port)}`",
                f"write `{start} {self.name}(...) -> {wish}:`",
                at="->",
            )
        elif streams:
            port = typing.get_args(port)[0]
        certain, optional = _without_none(port)
        if optional:
            self.fault(
                f"`{self.name}` may provide nothing: it is annotated `-> {show(hints['return'])}`",
                f"write `-> {show(certain)}`; whoever can do without it says `{show(certain)} | None` in turn",
                at="->",
            )
        elif port is types.NoneType:
            self.fault(f"`{self.name}` provides nothing: it is annotated `-> None`", "write `-> Port`", at="->")
        return port

    def _wants(self, hints: dict[str, object]) -> tuple[Want, ...]:
        wants: list[Want] = []
        keyword = False
        for each in inspect.signature(self.factory).parameters.values():
            defaulted = each.default is not inspect.Parameter.empty
            if each.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
                self.fault(
                    f"`{self.name}` takes `{each}`, which names no port",
                    f"write each need by itself: `def {self.name}(session: Session) -> Port:`",
                    at=str(each).partition(":")[0],
                )
            elif each.kind is inspect.Parameter.POSITIONAL_ONLY and defaulted:
                continue  # cannot be left out when a later one is given
            elif each.name in hints:
                # Once one may be left to its default, those after it are passed by name.
                keyword = keyword or defaulted or each.kind is inspect.Parameter.KEYWORD_ONLY
                port, optional = _without_none(hints[each.name])
                wants.append(Want(each.name, port, optional, defaulted, keyword))
            elif not defaulted:
                self.fault(
                    f"`{self.name}` has a parameter without a type",
                    f"write `{each.name}: SomePort`, the port it needs",
                    at=each.name,
                    label="needs a type",
                )
        return tuple(wants)


def _without_none(annotation: object) -> tuple[object, bool]:
    if typing.get_origin(annotation) not in {typing.Union, types.UnionType}:
        return annotation, False
    rest = tuple(each for each in typing.get_args(annotation) if each is not types.NoneType)
    if len(rest) == len(typing.get_args(annotation)):
        return annotation, False
    return typing.Union[rest], True  # noqa: UP007  # built at run time
