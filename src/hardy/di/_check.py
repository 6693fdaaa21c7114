"""Finds everything that keeps operations from being given what they need."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hardy.core import Diagnostic, Kind, Operation, Place
from hardy.di._draw import cycle, needed_by, number, snake
from hardy.di._provider import Provider, Want, show
from hardy.di._registry import Builtin, Registry
from hardy.di._remedies import remedies


@dataclass(frozen=True, slots=True)
class Edge:
    """Somebody needs a port."""

    who: Operation | Provider
    parameter: str
    port: object
    optional: bool

    @property
    def for_app(self) -> bool:
        """Whether who needs it outlives every call."""
        return isinstance(self.who, Provider) and self.who.scope == "app"

    @property
    def function(self) -> Callable[..., object]:
        """The function whose parameter it is."""
        return self.who.factory if isinstance(self.who, Provider) else self.who.function

    @property
    def others(self) -> bool:
        """Whether the function takes more than this parameter."""
        if isinstance(self.who, Provider):
            return len(self.who.wants) > 1
        return len(self.who.needs) + len(self.who.parameters) > 1

    @property
    def text(self) -> str:
        """The parameter in its function: ``place_order(..., orders: Orders)``."""
        return f"{self.who.name}({'…, ' if self.others else ''}{self.parameter}: {show(self.port)})"

    @property
    def place(self) -> Place | None:
        """Where the parameter is written."""
        whole = f"{self.parameter}: {show(self.port)}"
        place = Place.of(self.function, highlight=whole)
        if place is None or whole in place.text:
            return place
        return Place.of(self.function, highlight=self.parameter)


def check(registry: Registry, operations: Sequence[Operation]) -> list[Diagnostic]:
    """Return every fault in what *operations* need, ordered by kind."""
    graph = _Graph(registry, operations)
    return [*graph.missing(), *graph.cycles(), *graph.captives(), *graph.pinned()]


def unused_overrides(registry: Registry, operations: Sequence[Operation]) -> list[Diagnostic]:
    """Return a fault for each override that no operation is given."""
    reached = {port for operation in operations for port in registry.reached(operation)}
    idle = [port for port in registry.overrides if port not in reached]
    needed = ", ".join(sorted(f"`{show(port)}`" for port in reached)) or "nothing"
    return [
        Diagnostic(
            code="H0705",
            title=f"nothing needs the override of `{show(port)}`",
            notes=(f"the operations need {needed}",),
            helps=(f"remove `{show(port)}: ...` from `override({{...}})`, or name the port that is needed",),
        )
        for port in idle
    ]


class _Graph:
    def __init__(self, registry: Registry, operations: Sequence[Operation]) -> None:
        self.registry = registry
        self.operations = operations
        self.reached = {operation.name: registry.reached(operation) for operation in operations}
        self.providers: dict[object, Provider] = {}
        for ports in self.reached.values():
            self.providers.update({port: made for port, made in ports.items() if made is not None})

    def edges(self) -> Iterator[Edge]:
        for operation in self.operations:
            yield from (Edge(operation, need.name, need.type, need.optional) for need in operation.needs)
        for provider in self.providers.values():
            yield from self.wants(provider)

    def wants(self, provider: Provider) -> Iterator[Edge]:
        for want in provider.wants:
            yield Edge(provider, want.name, want.port, _dispensable(want))

    def missing(self) -> Iterator[Diagnostic]:
        needers: dict[object, list[Edge]] = {}
        for edge in self.edges():
            if not edge.optional and self.registry.maker(edge.port, for_app=edge.for_app) is None:
                needers.setdefault(edge.port, []).append(edge)
        for port, edges in needers.items():
            users = [name for name, ports in self.reached.items() if port in ports]
            indirect = any(isinstance(edge.who, Provider) for edge in edges)
            yield Diagnostic(
                code="H0701",
                title=f"nothing provides `{show(port)}`",
                place=edges[0].place,
                label="needed here",
                body=needed_by([(edge.text, edge.place) for edge in edges], users if indirect else ()),
                helps=remedies(self.registry, port, [edge.function for edge in edges]),
            )

    def cycles(self) -> Iterator[Diagnostic]:
        seen: set[frozenset[object]] = set()
        for ring in _rings(self.providers, self.wants):
            members = frozenset(id(edge.who) for edge in ring)
            if members not in seen:
                seen.add(members)
                yield self.ring(ring)

    def ring(self, edges: Sequence[Edge]) -> Diagnostic:
        names = [show(edge.who.port) for edge in edges if isinstance(edge.who, Provider)]
        last = edges[-1]
        title = (
            f"`{names[0]}` needs itself, so it cannot be built"
            if len(edges) == 1
            else f"these {number(len(edges))} need each other, so none can be built first"
        )
        return Diagnostic(
            code="H0702",
            title=title,
            body=("", *cycle([(name, edge.place, edge.text) for name, edge in zip(names, edges, strict=True)]), ""),
            helps=(
                (
                    f"give what `{last.who.name}` uses of `{show(last.port)}` a port and a provider of its own:\n"
                    "    class Part(Protocol): ...\n"
                    "    def part(...) -> Part: ..."
                ),
            ),
        )

    def captives(self) -> Iterator[Diagnostic]:
        for provider in self.providers.values():
            if provider.scope != "app":
                continue
            for edge in self.wants(provider):
                maker = self.registry.maker(edge.port, for_app=True)
                if isinstance(maker, Builtin) or (isinstance(maker, Provider) and maker.scope == "call"):
                    yield self.captive(provider, edge, maker)

    def captive(self, provider: Provider, edge: Edge, maker: Provider | Builtin) -> Diagnostic:
        port = show(edge.port)
        helps = [f"make it once per call: `app.provide({provider.name})`"]
        if isinstance(maker, Provider):
            helps.append(f'or let `{port}` live as long: `app.provide({maker.name}, scope="app")`')
        else:
            helps.append(f"or pass `{port}` to the method that uses it: `def get(self, {snake(port)}: {port})`")
        return Diagnostic(
            code="H0703",
            title=f"`{provider.name}` lives as long as the app, but needs `{port}`, which lives for one call",
            place=edge.place,
            label="gone after the call",
            body=_made_by(maker, port),
            helps=tuple(helps),
        )

    def pinned(self) -> Iterator[Diagnostic]:
        for operation in self.operations:
            if operation.kind is Kind.UNARY:
                continue
            for need in operation.needs:
                maker = self.registry.maker(need.type)
                if isinstance(maker, Provider) and maker.scope == "call":
                    yield self.pin(Edge(operation, need.name, need.type, need.optional), maker)

    def pin(self, edge: Edge, maker: Provider) -> Diagnostic:
        port = show(edge.port)
        return Diagnostic(
            code="H0707",
            title=f"`{edge.who.name}` streams, and may only need what lives as long as the app",
            place=edge.place,
            label="lives for one call",
            body=_made_by(maker, port),
            notes=("a stream may last for hours, and would keep a connection for itself all the time",),
            helps=(
                f'make it once per app: `app.provide({maker.name}, scope="app")`',
                "let it open a transaction for each piece of work: `async with database.transaction() as session:`",
            ),
        )


def _dispensable(want: Want) -> bool:
    return want.optional or want.defaulted


def _made_by(maker: Provider | Builtin, port: str) -> tuple[str, ...]:
    if isinstance(maker, Builtin):
        return (f"built in    `{port}` belongs to the call that is made",)
    place = f"      {maker.place.location}" if maker.place else ""
    return (f"made by     {maker.name}(…) -> {port}{place}",)


def _rings(providers: dict[object, Provider], wants: Callable[[Provider], Iterator[Edge]]) -> Iterator[list[Edge]]:
    """Find the closed walks: depth first, each provider entered once."""
    done: set[int] = set()

    def visit(provider: Provider, path: list[Edge]) -> Iterator[list[Edge]]:
        for edge in wants(provider):
            target = providers.get(edge.port)
            step = [*path, edge]
            start = next((at for at, each in enumerate(step) if each.who is target), None)
            if start is not None:
                yield step[start:]
            elif target is not None and id(target) not in done:
                yield from visit(target, step)
        done.add(id(provider))

    for provider in providers.values():
        if id(provider) not in done:
            yield from visit(provider, [])
