"""Runs use cases at the times their schedules say."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from hardy.core import Clock, Emit, Exposed, Logger, shielded
from hardy.queueing import Claims
from hardy.transport.schedule._runner import Counts, Runner

CLOSE = 3.0
"""Seconds that a call which was cancelled has to end in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStatistics:
    """What became of the ticks that were due while this process ran."""

    done: int
    failed: int
    elsewhere: int
    """Ticks that another replica had taken."""
    missed: int
    in_flight: int


class Transport:
    """Serves the operations that are bound to schedules; `hardy.queueing.Claims` says who has which tick.

    Each tick is claimed by one of all replicas and then carried out, as a call
    of its own through the same chain as a request. A call that fails is not
    tried again before the next tick.

    Args:
        exposed: The operations bound to schedules.
        adapter: Where ticks are claimed.
        service: The service's name, which the names of its schedules begin with.
        emit: Told of each `TickMissed`, `StoreLost` and `StoreBack`.
        logger: Gets a line when it begins.
        clock: Says what time it is; it may jump.
    """

    port: ClassVar[type] = Claims

    def __init__(
        self, exposed: Sequence[Exposed], adapter: Claims, *, service: str, emit: Emit, logger: Logger, clock: Clock
    ) -> None:
        self._counts = Counts()
        self._logger = logger
        self._runners = [
            Runner(each, adapter, service=service, counts=self._counts, emit=emit, logger=logger, clock=clock)
            for each in exposed
        ]
        self._loops: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to wait for ticks."""
        for each in self._runners:
            self._loops.append(asyncio.create_task(each.work(), name=f"schedule of {each.name}"))
            self._logger.info("scheduled", schedule=each.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel what is left."""
        await shielded(self._close())

    async def drain(self) -> None:
        """Take no tick at once; return when what was begun has ended."""
        for each in self._runners:
            each.drain()
        if self._loops:
            await asyncio.wait(self._loops)
        if left := self._in_flight():
            await asyncio.wait(left)

    async def _close(self) -> None:
        for each in self._runners:
            each.stop()
        left = [*self._loops, *self._in_flight()]
        if left:
            await asyncio.wait(left, timeout=CLOSE)
        left = [*self._loops, *self._in_flight()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._loops = []

    def _in_flight(self) -> "list[asyncio.Task[None]]":
        return [each.task for each in self._runners if each.task is not None]

    def statistics(self) -> ScheduleStatistics:
        """Return what became of the ticks so far."""
        counts = self._counts
        return ScheduleStatistics(
            done=counts.done,
            failed=counts.failed,
            elsewhere=counts.elsewhere,
            missed=counts.missed,
            in_flight=counts.in_flight,
        )
