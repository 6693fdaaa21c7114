"""The service's table of contents."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

from hardy.app._describe import describe
from hardy.app._examine import examine
from hardy.app._parts import Exposure, MountLine, Parts, Provided, limits_of
from hardy.core import Binding, BuildFailed, Diagnostic, Error, Middleware, Operation, Rule
from hardy.lifecycle import Component
from hardy.resilience import Limits, unlimited
from hardy.transport import http

Factory = TypeVar("Factory", bound=Callable[..., object])


class App(Parts):
    """What a service consists of: nothing runs until `run`, `asgi` or a test client takes it.

    Every fault is collected and told at once by `check`; the verbs themselves
    refuse nothing, so that one mistake does not hide the next.

    Args:
        name: The service's name, in logs and documents.
        settings: What `hardy.config` loaded; the defaults of the development
            environment when left out.
        auth: Who says who is calling: one authenticator or several, asked in order.
        version: Of the service, in its documents and at ``/info``.
        json_case: ``"camel"`` renames every JSON member to camelCase.
        clock: What ``clock: Clock`` is given; the machine's own when left out.
        limit: Rate limits of the service as a whole: they count the calls of all its operations together.

    Example:
        >>> from hardy.auth import public
        >>> from hardy.transport import http
        >>> async def hello(name: str = "world") -> dict[str, str]:
        ...     return {"hello": name}
        >>> app = App("hello")
        >>> app.expose(hello, http.get("/hello"), allow=public)
        >>> app.check()
        ()
    """

    def __repr__(self) -> str:
        return f"<App {self.name}: {len(self.exposures)} operations>"

    def provide(self, factory: Factory, *, scope: Literal["call", "app"] = "call") -> Factory:
        """Say what makes a port: a function or async generator whose return annotation names it.

        Args:
            factory: Its parameters are its own needs.
            scope: ``"call"`` makes one for each call that needs it, ``"app"`` one at start.
        """
        self.provided.append(Provided(factory, scope))
        return factory

    def manage(self, component: Component) -> None:
        """Open *component* before serving and close it after; it provides what ``async with`` yields.

        Components open in the order they are managed and close in reverse.
        """
        self.components.append(component)

    def use(self, middleware: Middleware) -> None:
        """Wrap every operation in *middleware*, inside what was used before."""
        self.middleware.append(middleware)

    def expose(  # noqa: PLR0913  # each has a default
        self,
        use_case: Callable[..., object],
        *bindings: Binding,
        allow: Rule,
        raises: Sequence[type[Error]] = (),
        use: Sequence[Middleware] = (),
        timeout: float | None = None,
        finish_on_disconnect: bool = False,
        limit: Limits = (),
        idempotency: Literal["accepted", "required"] | None = None,
    ) -> None:
        """Attach *use_case* to the outside.

        Args:
            use_case: A typed async function; its name is the operation's name.
            bindings: Routes, methods, commands.
            allow: Who may call; ``public`` for everybody.
            raises: The service's own errors it answers with: documented, and
                the same classes again at a remote caller.
            use: Middleware for this operation only, inside the app's.
            timeout: Seconds for a unary call or a stream's first item, instead
                of the service's default.
            finish_on_disconnect: Whether a call goes on when its client is gone.
            limit: Rate limits for this operation, beside those of the app;
                ``unlimited`` takes it out of those, too.
            idempotency: Whether a call may bring an ``Idempotency-Key``, or has to: then
                it is carried out once, however often it comes.
        """
        raw = any(binding.raw for binding in bindings)
        try:
            operation = Operation.of(use_case, raw=raw)
        except BuildFailed as failed:
            self.faults.extend(failed.diagnostics)
            return
        operation = operation.with_options(
            allow=allow,
            raises=tuple(raises),
            timeout=timeout,
            finish_on_disconnect=finish_on_disconnect,
            idempotency=idempotency,
            limited=limit is not unlimited and bool(self.limits or limit),
        )
        self.exposures.append(Exposure(operation, bindings, tuple(use), limits_of(limit)))

    def mount(self, path: str, application: http.AsgiApp) -> None:
        """Serve somebody's ASGI *application* under *path*; hardy's own routes win."""
        self.mounts.append(MountLine(path, application))

    @contextmanager
    def override(self, replacements: Mapping[object, object]) -> Generator[None]:
        """Replace what provides a port, for tests; entered before the app starts.

        An override that nothing needs is an error, so a test cannot silently
        run on the real thing.

        Args:
            replacements: The port's type and the value used instead.

        Raises:
            RuntimeError: The app runs already, so its ports are made.

        Example:
            >>> app = App("orders")
            >>> with app.override({dict: {"tea": 3}}):
            ...     [fault.code for fault in app.check()]
            ['H0705']
        """
        if self.running:
            raise RuntimeError("override before the app is started: its ports are made already")
        self.overrides.append(replacements)
        try:
            yield
        finally:
            self.overrides[:] = [each for each in self.overrides if each is not replacements]

    def check(self) -> tuple[Diagnostic, ...]:
        """Return everything that is wrong with the service; nothing is opened or called."""
        return examine(self)

    def describe(self) -> dict[str, object]:
        """Return the whole service as one JSON document: what the CLI, documents and tests read."""
        return describe(self)
