"""Turns an operation's needs into a plan: which object, at which index, made by what, in which order."""

from collections.abc import Callable, Sequence

from hardy.core import Operation, Principal, Unauthenticated
from hardy.di._plan import Frame, Prepared, Step
from hardy.di._provider import Make, Provider, Want, show
from hardy.di._registry import Builtin, Declared, Getter, Registry, Value


def prepare(registry: Registry, operation: Operation) -> Prepared:
    """Return what the calls of *operation* have in common; its needs were checked before."""
    compiler = _Compiler(registry)
    names = tuple((need.name, compiler.index(need.type, optional=need.optional)) for need in operation.needs)
    return Prepared(pick(names), compiler.frame, tuple(compiler.late), tuple(compiler.getters), tuple(compiler.steps))


class _Compiler:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.frame: Frame = []
        self.late: list[tuple[int, object]] = []
        self.getters: list[tuple[int, Getter, Callable[[], Exception] | None]] = []
        self.steps: list[Step] = []
        self.indexes: dict[tuple[object, bool], int] = {}

    def index(self, port: object, *, optional: bool) -> int:
        """Return where *port* is found in a call's frame, planning how it gets there."""
        maker = self.registry.maker(port)
        # Only a built-in need can have no value in a call, so only there does it matter.
        key = (port, optional and isinstance(maker, Builtin))
        if key in self.indexes:
            return self.indexes[key]
        if isinstance(maker, Provider) and maker.scope == "call":
            build = self._builder(maker)  # what it needs comes before it
            index = self.indexes[key] = self._slot()
            made = maker.make
            self.steps.append(Step(index, build, made is Make.COROUTINE, made is Make.GENERATOR, maker.name))
            return index
        index = self.indexes[key] = self._slot()
        if isinstance(maker, Value):
            self.frame[index] = maker.value
        elif isinstance(maker, Builtin):
            self.getters.append((index, maker.get, None if optional else _absence(port)))
        elif isinstance(maker, Declared | Provider):
            self.late.append((index, port))
        return index

    def _slot(self) -> int:
        self.frame.append(None)
        return len(self.frame) - 1

    def _builder(self, provider: Provider) -> Callable[[Frame], object]:
        wants = [each for each in provider.wants if not left_out(self.registry, each)]
        positional = [self.index(each.port, optional=each.optional) for each in wants if not each.keyword]
        named = [(each.name, self.index(each.port, optional=each.optional)) for each in wants if each.keyword]
        return bind(provider.factory, positional, named)


def left_out(registry: Registry, want: Want, *, for_app: bool = False) -> bool:
    """Whether a parameter keeps its default, as nothing provides its port."""
    return want.defaulted and registry.maker(want.port, for_app=for_app) is None


def bind(
    factory: Callable[..., object], positional: list[int], named: list[tuple[str, int]]
) -> Callable[[Frame], object]:
    """Return a function that calls *factory* with parts of a frame; the usual arities without a loop."""
    if named:
        return lambda frame: factory(*[frame[i] for i in positional], **{name: frame[i] for name, i in named})
    if not positional:
        return lambda frame: factory()
    if len(positional) == 1:
        (one,) = positional
        return lambda frame: factory(frame[one])
    if len(positional) == 2:
        first, second = positional
        return lambda frame: factory(frame[first], frame[second])
    return lambda frame: factory(*[frame[i] for i in positional])


def pick(names: Sequence[tuple[str, int]]) -> Callable[[Frame], dict[str, object]]:
    """Return a function that picks parts of a frame by name; the usual numbers without a loop."""
    if len(names) == 1:
        ((name, index),) = names
        return lambda frame: {name: frame[index]}
    if len(names) == 2:
        (one, first), (two, second) = names
        return lambda frame: {one: frame[first], two: frame[second]}
    return lambda frame: {name: frame[index] for name, index in names}


def _absence(port: object) -> Callable[[], Exception]:
    if port is Principal:
        return lambda: Unauthenticated("sign in first")
    return lambda: RuntimeError(f"`{show(port)}` has no value in this call; write `{show(port)} | None`")
