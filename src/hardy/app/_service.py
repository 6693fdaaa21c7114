"""A running service: components opened, doors listening, and the way down."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hardy.app._assembly import Assembly
from hardy.app._describe import describe
from hardy.app._doors import Door, GrpcDoor, HttpDoor, admin_server, grpc_transport, http_server, http_transport
from hardy.app._migrations import require_steps
from hardy.app._shutdown import Shutdown
from hardy.app._statistics import plain
from hardy.app._wiring import port_of
from hardy.config import ShutdownSettings
from hardy.lifecycle import Beside, Component, Components, Counts, Drains, Health, Pings, Tasks
from hardy.server import Place, Server, UnixSocket
from hardy.telemetry import Watchdog
from hardy.transport import http

if TYPE_CHECKING:
    from hardy.transport.grpc import Transport as GrpcTransport

FOLLOW = 1.0
"""Seconds between two looks at readiness on behalf of gRPC's clients."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a door listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 0
    sockets: tuple[socket.socket, ...] = ()
    """Sockets that listen already, taken instead; not by gRPC."""
    shared: bool = False
    """Whether another process may listen there too; of gRPC only."""
    path: UnixSocket | None = None
    """Listened on instead of host and port; of HTTP only."""

    @property
    def bind(self) -> Sequence[Place]:
        """What a server is told."""
        return self.sockets or ((self.path,) if self.path else ((self.host, self.port),))


class Service:
    """A running service.

    ``async with Service(assembly, ...)`` opens the admin port, then the
    components in their order, then the doors; leaving the block closes all of
    it in reverse; `shutdown` takes calls down to none before. Both ends belong
    to one task, as those of its components do.

    Args:
        assembly: The checked service.
        http: Where REST listens; nowhere when left out.
        grpc: Where gRPC listens.
        admin: Where probes are answered.
        lanes: Whether topics, queues and schedules are served, too; a command
            that runs beside the service leaves them to it, and all that
            components would do in the background.

    Example:
        >>> import asyncio
        >>> from hardy.app import App, Assembly
        >>> async def main() -> str:
        ...     async with Service(Assembly(App("hello"))) as service:
        ...         return service.health.state
        >>> asyncio.run(main())
        'serving'
    """

    def __init__(
        self,
        assembly: Assembly,
        *,
        http: Listen | None = None,
        grpc: Listen | None = None,
        admin: Listen | None = None,
        lanes: bool = True,
    ) -> None:
        self.assembly = assembly
        self.http: Server | None = None
        self.grpc: GrpcTransport | None = None
        self.admin: Server | None = None
        self.health = Health()
        self.watchdog: Watchdog | None = None
        self._parts: Sequence[tuple[str, Component]] = named(assembly.components)
        """What it opens: the components of the app, and after them its lanes."""
        self._lanes = lanes
        if not lanes:
            assembly.supplies.replace({Beside: Beside()})
        self._listen = {"http": http, "grpc": grpc, "admin": admin}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open everything; what was opened is closed again when something fails."""
        async with AsyncExitStack() as stack:
            self.assembly.app.running += 1
            stack.callback(self._ended)
            await self._open_admin(stack)
            await self._open_components(stack)
            await self._open_lanes(stack)
            await self._open_doors(stack)
            await self._follow(stack)
            await self._open_watchdog(stack)
            self.health.serve()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close everything in reverse."""
        await self._stack.__aexit__(kind, error, traceback)

    def _ended(self) -> None:
        self.assembly.app.running -= 1
        if self.assembly.shed is not None:
            self.assembly.shed.stop()

    async def _open_admin(self, stack: AsyncExitStack) -> None:
        if (listen := self._listen["admin"]) is not None:
            facts = {"/info": self._info, "/statistics": self.statistics}
            # Probes go on to the very end: the admin port is the first to open and the last to close.
            self.admin = admin_server(self.assembly, self.health, facts, listen.bind)
            await stack.enter_async_context(self.admin)

    async def _open_components(self, stack: AsyncExitStack) -> None:
        assembly = self.assembly
        require_steps(assembly.components)
        opened = Components(assembly.notices, total=assembly.app.settings.shutdown.close_timeout)
        for name, component in self._parts:
            opened.add(
                name,
                component,
                wire=partial(assembly.supplies.wire, component),
                fill=partial(self._fill, component),
            )
            if isinstance(component, Pings):
                self.health.watch(name, component.ping)
        await stack.enter_async_context(opened)
        await assembly.container.open()
        stack.push_async_callback(assembly.container.close)

    def _fill(self, component: Component, value: object) -> None:
        self.assembly.container.fill(port_of(component), value)
        self.assembly.supplies.fill(component, value)

    async def _open_lanes(self, stack: AsyncExitStack) -> None:
        # After all components: what a topic or a schedule calls may need any of them.
        if self._lanes:
            lanes = self.assembly.lanes()
            self._parts = (*self._parts, *lanes)
            for _, lane in lanes:
                await stack.enter_async_context(lane)

    async def _open_doors(self, stack: AsyncExitStack) -> None:
        if (listen := self._listen["http"]) is not None:
            mounts = [http.Mount(each.path, each.application) for each in self.assembly.app.mounts]
            for mount in mounts:
                await stack.enter_async_context(mount)
            transport = http_transport(self.assembly, mounts)
            self.http = http_server(self.assembly, transport, listen.bind)
            await stack.enter_async_context(self.http)
        if (listen := self._listen["grpc"]) is not None and self.assembly.exposed("grpc"):
            self.grpc = grpc_transport(self.assembly, listen.host, listen.port, shared=listen.shared)
            await stack.enter_async_context(self.grpc)

    async def _follow(self, stack: AsyncExitStack) -> None:
        """Keep gRPC health in step with readiness, as far as that depends on components."""
        transport = self.grpc
        if transport is None or not any(isinstance(each, Pings) for each in self.assembly.components):
            return

        async def follow() -> None:
            told = True
            while True:
                await asyncio.sleep(FOLLOW)
                readiness = await self.health.ready()
                if readiness.state == "serving" and readiness.ready is not told:
                    told = readiness.ready  # only what changes: watchers hear it each time
                    transport.set_serving(told)

        tasks = await stack.enter_async_context(Tasks(self.assembly.notices))
        tasks.start("grpc health", follow)

    async def _open_watchdog(self, stack: AsyncExitStack) -> None:
        # After everything is open: opening imports much, and nobody waits for it.
        assembly = self.assembly
        if (limit := assembly.app.settings.telemetry.blocked_after) > 0:
            self.watchdog = Watchdog(limit, assembly.notices, waiting=lambda: len(assembly.in_flight))
            await stack.enter_async_context(self.watchdog)

    def doors(self, *, others: Callable[[], bool] | None = None) -> Sequence[Door]:
        """Return what lets calls in.

        Args:
            others: Tells whether other processes go on listening on the same sockets; left out,
                they may where the sockets were given.
        """
        doors: list[Door] = [] if self.http is None else [HttpDoor(self.http, others=others)]
        return doors if self.grpc is None else [*doors, GrpcDoor(self.grpc)]

    def shutdown(
        self,
        *,
        force: asyncio.Event | None = None,
        settings: ShutdownSettings | None = None,
        others: Callable[[], bool] | None = None,
    ) -> Shutdown:
        """Return what takes calls down to none; `Shutdown.run` does it.

        Args:
            force: Set it to cancel what is still in flight.
            settings: How long each phase may take, when not what the app's settings say.
            others: Tells whether other processes go on listening on the same sockets; left out,
                they may where the sockets were given.
        """
        assembly = self.assembly
        return Shutdown(
            settings or assembly.app.settings.shutdown,
            self.health,
            assembly.in_flight,
            self.doors(others=others),
            assembly.logger,
            drains=[(name, each) for name, each in self._parts if isinstance(each, Drains)],
            force=force or asyncio.Event(),
        )

    def statistics(self) -> dict[str, object]:
        """Return the counters of its calls, its doors, and its components that count something."""
        counted: dict[str, object] = {"calls": self.assembly.in_flight.statistics()}
        if self.http is not None:
            counted["http"] = self.http.statistics()
        if self.grpc is not None:
            counted["grpc"] = self.grpc.statistics()
        for name, component in self._parts:
            if isinstance(component, Counts):
                counted[name] = component.statistics()
        counted |= self.assembly.policies.statistics()
        return plain(counted)

    def _info(self) -> dict[str, object]:
        return describe(self.assembly.app)


def named(components: Sequence[Component]) -> Sequence[tuple[str, Component]]:
    """Return *components*, each with a name of its own: its class, numbered from the second of a class on."""
    seen: dict[str, int] = {}
    pairs: list[tuple[str, Component]] = []
    for component in components:
        name = type(component).__qualname__
        seen[name] = seen.get(name, 0) + 1
        pairs.append((name if seen[name] == 1 else f"{name} {seen[name]}", component))
    return pairs
