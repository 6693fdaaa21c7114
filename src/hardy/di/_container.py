"""The container: every port of one app, and who makes it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, cast

from hardy.core import BuildFailed, Call, Diagnostic, Operation, Place, shielded
from hardy.di._check import check, unused_overrides
from hardy.di._closing import Opened, abort, end, start
from hardy.di._compile import left_out, prepare
from hardy.di._plan import Plan
from hardy.di._provider import Make, Provider, Scope, read, show
from hardy.di._registry import Declared, Getter, Registry

CLOSE_LIMIT = 5.0
"""Seconds that closing the app's scope may take once somebody wants it to end."""


class Container:
    """Every port of one app, and who makes it.

    While the app is built, providers are told and operations checked and
    planned. `open` then makes what lives as long as the app, `close` ends it in
    reverse; both belong to the same task.

    Args:
        builtins: Ports that each call carries with it, and how they are read
            from it. One that gives ``None`` may be needed as ``Port | None``;
            a needed `Principal` that is ``None`` answers `Unauthenticated`.
        constants: Ports whose objects exist already, for calls and for
            providers of the app's scope alike.

    Example:
        >>> import asyncio
        >>> from hardy.core import Call, Operation
        >>> def greeting() -> str:
        ...     return "hello"
        >>> async def greet(name: str, *, greeting: str) -> str:
        ...     return f"{greeting} {name}"
        >>> container, operation = Container({}), Operation.of(greet)
        >>> _ = container.provide(greeting)
        >>> container.check([operation])
        []
        >>> async def body(call, needs):
        ...     return await greet("you", **needs)
        >>> asyncio.run(container.plan(operation).run(Call(operation, "direct"), body))
        'hello you'
    """

    def __init__(
        self,
        builtins: Mapping[type, Callable[[Call], object]],
        constants: Mapping[type, object] | None = None,
    ) -> None:
        self._registry = Registry(
            dict[object, Getter](builtins.items()), dict[object, object]((constants or {}).items())
        )
        self._faults: list[Diagnostic] = []
        self._values: dict[object, object] = {}
        self._planned: dict[object, Provider] = {}
        self._plans: list[Plan] = []
        self._opened: Opened = []
        self._is_open = False

    def provide(self, factory: Callable[..., object], *, scope: Scope = "call") -> object | None:
        """Add a provider: a function, or an async generator function that also ends what it made.

        Its return annotation names the port, its parameters are its needs. What
        is wrong with it is kept for `check`.

        Args:
            scope: ``"call"`` makes the port once for each call that needs it,
                ``"app"`` once for all.

        Returns:
            The port; ``None`` when the signature does not name one.
        """
        provider = read(factory, scope)
        if not isinstance(provider, Provider):
            self._faults += provider
            return None
        if self._is_new(provider.port, f"`{provider.name}`", provider.place):
            self._registry.providers[provider.port] = provider
        return provider.port

    def declare(self, port: object, source: str) -> None:
        """Say that *port* will be filled in before `open`, by a component called *source*."""
        if self._is_new(port, source, None):
            self._registry.declared[port] = Declared(source)

    def fill(self, port: object, value: object) -> None:
        """Give a declared *port* its object.

        Raises:
            KeyError: The port was not declared.
        """
        if port not in self._registry.declared:
            raise KeyError(f"`{show(port)}` was not declared")
        self._values[port] = value

    def _is_new(self, port: object, name: str, place: Place | None) -> bool:
        maker = self._registry.maker(port)
        if maker is None:
            return True
        first = "hardy itself"
        if isinstance(maker, Provider):
            first = f"`{maker.name}`" + (f" ({maker.place.location})" if maker.place else "")
        elif isinstance(maker, Declared):
            first = maker.source
        self._faults.append(
            Diagnostic(
                code="H0704",
                title=f"`{show(port)}` is provided twice: by {first} and by {name}",
                place=place,
                label="the second",
                helps=(
                    f'remove one of the two, or give each a name: `Replica = NewType("Replica", {show(port)})`',
                    f"in a test, replace it: `with app.override({{{show(port)}: ...}}):`",
                ),
            )
        )
        return False

    def override(self, values: Mapping[object, object]) -> AbstractContextManager[None]:
        """Let *values* stand in for what provides their ports, for tests.

        Entered before operations are planned. Providers that are replaced, and
        whatever only they needed, are not opened. `check` reports an override
        that no operation is given.

        Raises:
            RuntimeError: The container is open already.
        """
        return _Override(self, values)

    def check(self, operations: Sequence[Operation]) -> list[Diagnostic]:
        """Return everything that keeps *operations* from being given their needs.

        That is: providers with a wrong signature, two for one port, ports that
        nothing provides, cycles, things of the app that need things of a call,
        streams that need things of a call, and overrides that nothing needs.
        """
        return [*self._faults, *check(self._registry, operations), *unused_overrides(self._registry, operations)]

    def required(self, operations: Sequence[Operation]) -> frozenset[object]:
        """Return every port that *operations* need, directly or through providers.

        What is overridden is in it, what only the replaced provider needed is not.
        """
        return frozenset(port for operation in operations for port in self._registry.reached(operation))

    def plan(self, operation: Operation) -> Plan:
        """Prepare the calls of *operation*.

        Raises:
            BuildFailed: Its needs cannot be met; `check` says so without raising.
        """
        faults = check(self._registry, [operation])
        if faults:
            raise BuildFailed(faults)
        for port, provider in self._registry.reached(operation).items():
            if provider is not None and provider.scope == "app":
                self._planned[port] = provider
        plan = Plan(prepare(self._registry, operation), self._values)
        self._plans.append(plan)
        return plan

    async def open(self) -> None:
        """Make what lives as long as the app and is needed by what was planned.

        When one fails, those made before are ended again and its error is raised.

        Raises:
            RuntimeError: A component has not filled in the port it declared.
        """
        self._is_open = True
        try:
            for port in list(self._planned):
                await self._make(port)
        except BaseException as error:
            self._forget()
            await shielded(abort(self._opened, error, None), limit=CLOSE_LIMIT)
            raise

    async def _make(self, port: object) -> object:
        maker = self._registry.maker(port, for_app=True)
        if isinstance(maker, Declared) and port not in self._values:
            raise RuntimeError(f"{maker.source} declared `{show(port)}` and has not filled it in")
        if port in self._values or not isinstance(maker, Provider):
            return self._values[port] if port in self._values else getattr(maker, "value", None)
        wants = [each for each in maker.wants if not left_out(self._registry, each, for_app=True)]
        positional = [await self._make(each.port) for each in wants if not each.keyword]
        named = {each.name: await self._make(each.port) for each in wants if each.keyword}
        made = maker.factory(*positional, **named)
        if maker.make is Make.GENERATOR:
            generator = cast("AsyncGenerator[object, None]", made)
            made = await start(maker.name, generator)
            self._opened.append((maker.name, generator))
        elif maker.make is Make.COROUTINE:
            made = await cast("Awaitable[object]", made)
        self._values[port] = made
        return made

    async def close(self) -> None:
        """End what `open` made, in reverse, all of it even when some of it fails.

        Raises:
            ExceptionGroup: Whatever failed while ending.
        """
        await shielded(self._close(), limit=CLOSE_LIMIT)

    async def _close(self) -> None:
        failures: list[BaseException] = []
        while self._opened:
            name, generator = self._opened.pop()
            try:
                await end(name, generator)
            except BaseException as error:  # collected: the others are to be ended too
                error.add_note(f"while ending what provider `{name}` made")
                failures.append(error)
        self._forget()
        if failures:
            raise BaseExceptionGroup("some providers failed while ending", failures)

    def _forget(self) -> None:
        self._is_open = False
        self._values.clear()
        for plan in self._plans:
            plan.unbind()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def describe(self) -> dict[str, object]:
        """Return the graph as plain data: each port with who makes it and what that needs."""
        registry = self._registry
        ports: dict[str, object] = {}
        for port in registry.ports():
            maker = registry.maker(port)
            entry: dict[str, object] = {
                "scope": "app",
                "source": "override" if port in registry.overrides else "built in",
            }
            if isinstance(maker, Provider):
                entry = {
                    "scope": maker.scope,
                    "source": maker.name,
                    "make": maker.make.value,
                    "needs": {want.name: show(want.port) for want in maker.wants},
                    "place": maker.place.location if maker.place else None,
                }
            elif isinstance(maker, Declared):
                entry["source"] = maker.source
            elif port in registry.builtins and port not in registry.overrides:
                entry["scope"] = "call"
            ports[show(port)] = entry
        return ports


class _Override(AbstractContextManager[None]):
    """Overrides between entering and leaving; entered and forgotten, for good."""

    def __init__(self, container: Container, values: Mapping[object, object]) -> None:
        self._container = container
        self._values = values
        self._before: dict[object, object] = {}

    def __enter__(self) -> None:
        if self._container._is_open:
            raise RuntimeError("override before the app is started: its ports are made already")
        registry = self._container._registry
        self._before, registry.overrides = registry.overrides, {**registry.overrides, **self._values}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._container._registry.overrides = self._before
