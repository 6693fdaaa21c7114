"""The doors without a port number: topics, queues and schedules are served by transports that go and fetch."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import ClassVar, Protocol, cast

from hardy.app._supplies import Supplies
from hardy.core import Clock, Diagnostic, Emit, Exposed, Logger, Operation
from hardy.lifecycle import Component


class Lane(Component, Protocol):
    """What serves the operations behind one kind of binding.

    It begins to take work when it is opened; ``drain`` takes nothing new at
    once and returns when what it took is finished; closing cancels the rest.
    """

    port: ClassVar[type]
    """What it fetches its work from."""

    def __init__(  # what any of them needs, given by name
        self,
        exposed: Sequence[Exposed],
        adapter: object,
        *,
        service: str,
        emit: Emit,
        logger: Logger,
        clock: Clock,
    ) -> None: ...

    async def drain(self) -> None:
        """Finish what was taken; take nothing new from now on."""
        ...


LANES = ("events", "jobs", "schedule")
"""The transports of bindings that a lane serves."""

_REMEDIES = {
    "events": "app.manage(MemoryBroker()), from hardy.messaging; in production: app.manage(Nats(settings.nats))",
    "jobs": "app.manage(SqlJobs()) after the database; in dev: app.manage(MemoryJobs()), from hardy.queueing",
    "schedule": "app.manage(SqlJobs()) after the database; in dev: app.manage(MemoryClaims()), from hardy.queueing",
}


def lane_of(transport: str) -> Callable[..., Lane]:
    """Return the class that serves *transport*; nobody who binds nothing to it loads it."""
    return cast("Callable[..., Lane]", import_module(f"hardy.transport.{transport}").Transport)


def port_of_lane(transport: str) -> type:
    """Return what the lane of *transport* fetches its work from."""
    return cast("type[Lane]", lane_of(transport)).port


def unserved(bound: Sequence[tuple[str, Operation]], supplies: Supplies) -> Sequence[Diagnostic]:
    """Return a diagnostic for each transport of *bound* that has nothing to fetch its work from."""
    first: dict[str, Operation] = {}
    for transport, operation in bound:
        first.setdefault(transport, operation)
    return [
        Diagnostic(
            code="H0709",
            title=f"`{operation.name}` is bound to {transport}, and no component is a `{port.__name__}`",
            place=operation.place,
            helps=(_REMEDIES[transport],),
        )
        for transport, operation in first.items()
        if not supplies.has(port := port_of_lane(transport))
    ]
