"""The checked service: plans made, chains composed, nothing opened yet."""

from collections.abc import Callable, Sequence
from typing import TextIO

from hardy.app._app import App
from hardy.app._chain import Invoke, chain, checking, decode
from hardy.app._examine import examine
from hardy.app._lanes import LANES, Lane, lane_of, port_of_lane
from hardy.app._parts import Exposure
from hardy.app._policies import Policies, planned
from hardy.app._tell import TOLD, telling
from hardy.app._wiring import Wiring
from hardy.auth import Authenticator, admit
from hardy.core import BuildFailed, CallEnded, Exposed, Handler, Layer, Middleware, Notices, Operation
from hardy.di import Plan
from hardy.resilience import InFlight, Shed
from hardy.telemetry import make_logger, observe


class Assembly:
    """A service that has passed every check: whoever serves it needs nothing more.

    Args:
        app: What the service consists of; what is said to it later has no effect.
        authenticators: Asked before the app's own: a test says with one who is calling.
        log: Where the log goes; standard output when left out.
        check_replies: Whether what a use case returns is compared with its
            annotation; in the test environment when left out.
        around: Middleware outside of every chain, the built-in one included,
            for tools that look at calls as a whole.

    Raises:
        BuildFailed: With everything that is wrong, as `App.check` tells it.

    Example:
        >>> from hardy.auth import public
        >>> async def ping() -> str:
        ...     return "pong"
        >>> app = App("ping")
        >>> app.expose(ping, allow=public)
        >>> Assembly(app).operation(ping).name
        'ping'
    """

    def __init__(
        self,
        app: App,
        *,
        authenticators: Sequence[Authenticator] = (),
        log: TextIO | None = None,
        check_replies: bool | None = None,
        around: Sequence[Middleware] = (),
    ) -> None:
        if faults := examine(app):
            raise BuildFailed(faults)
        settings = app.settings
        telemetry = settings.telemetry
        self.app = app
        self.logger = make_logger(level=telemetry.level, format=telemetry.format, stream=log, service=app.name)
        self.notices = Notices()
        self.notices.listen(telling(self.logger), *TOLD)
        self.in_flight = InFlight(timeout=settings.limits.timeout)
        limits = settings.limits
        self.shed = Shed(delay=limits.shed_delay, emit=self.notices) if limits.shed else None
        wiring = Wiring(app, notices=self.notices, logger=self.logger)
        self.container = wiring.container
        self.components = wiring.components
        self.supplies = wiring.supplies
        self.clock = wiring.clock
        self.policies = Policies(app, self.supplies, self.clock, self.notices)
        self._authenticators = (*authenticators, *app.authenticators)
        self._checks = settings.environment == "test" if check_replies is None else check_replies
        self._operations = {each.operation.function: each.operation for each in app.exposures}
        self._handlers = self._compose(app, around)

    def _compose(self, app: App, outermost: Sequence[Middleware]) -> dict[Operation, Handler]:
        around = (
            *outermost,
            observe(self.logger, self.notices.channel(CallEnded)),
            Layer(self.in_flight.around),
            *(() if self.shed is None else (Layer(self.shed.around),)),
        )
        handlers: dict[Operation, Handler] = {}
        for each in app.exposures:
            operation = each.operation
            invoke = checking(operation, app.json_case) if self._checks else operation.invoker()
            middleware = (*around, *self._admission(each), decode, *app.middleware, *each.middleware)
            if any(binding.transport == "events" for binding in each.bindings):
                plan, invoke = self._once(planned(operation, self.supplies), invoke)
            else:
                plan = self.container.plan(planned(operation, self.supplies))
            once = self.policies.once(each)
            handlers[operation] = chain(operation, invoke, plan, middleware, self.in_flight, once=once)
        return handlers

    def _admission(self, exposure: Exposure) -> Sequence[Middleware]:
        """Return what lets calls in: limits by address, authenticators, limits by principal, the rule."""
        by_address = self.policies.limits(exposure, "address")
        by_principal = self.policies.limits(exposure, "principal")
        admission = admit(self._authenticators, between=None if by_principal is None else by_principal.check)
        return (admission,) if by_address is None else (by_address, admission)

    def _once(self, operation: Operation, invoke: Invoke) -> tuple[Plan, Invoke]:
        """Let an event be dealt with once, where a component such as an inbox remembers which were."""
        from hardy.transport import events

        return self.container.plan(events.marked(operation)), events.once(invoke)

    def operation(self, use_case: Callable[..., object]) -> Operation:
        """Return the operation of an exposed *use_case*.

        Raises:
            LookupError: It is not exposed.
        """
        if (operation := self._operations.get(use_case)) is None:
            name = getattr(use_case, "__name__", repr(use_case))
            raise LookupError(f"`{name}` is not exposed by {self.app.name}; add an `app.expose({name}, ...)` line")
        return operation

    def handler(self, operation: Operation) -> Handler:
        """Return the composed chain of *operation*."""
        return self._handlers[operation]

    def lanes(self) -> Sequence[tuple[str, Lane]]:
        """Return what serves its topics, queues and schedules, not opened yet; the components are open by then."""
        made: list[tuple[str, Lane]] = []
        for transport in LANES:
            if exposed := self.exposed(transport):
                make = lane_of(transport)
                adapter = self.supplies.value(port_of_lane(transport))
                name, emit, log, clock = self.app.name, self.notices, self.logger, self.clock
                made.append((transport, make(exposed, adapter, service=name, emit=emit, logger=log, clock=clock)))
        return made

    def exposed(self, transport: str) -> Sequence[Exposed]:
        """Return what is bound to *transport*, ready to be served."""
        return [
            Exposed(each.operation, binding, self._handlers[each.operation])
            for each in self.app.exposures
            for binding in each.bindings
            if binding.transport == transport
        ]
