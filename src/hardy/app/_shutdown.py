"""The way down: nothing that was accepted is lost, nothing new is promised."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from hardy.app._doors import Door
from hardy.config import ShutdownSettings
from hardy.core import Call, Logger, Unavailable
from hardy.lifecycle import Health
from hardy.resilience import InFlight

ANSWER = 1.0
"""Seconds in which answers that are already made get onto the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownReport:
    """How a shutdown went."""

    seconds: float
    forced: bool
    finished: int
    """Calls in flight at the signal that ended by themselves."""
    stuck: tuple[str, ...]
    """Calls that had to be cancelled, by operation and call id."""


class Shutdown:
    """Takes a running service down in the order of the design.

    Args:
        settings: How long each phase may take.
        force: Set by a second signal: whoever is still in flight is cancelled.
    """

    def __init__(
        self,
        settings: ShutdownSettings,
        health: Health,
        in_flight: InFlight,
        doors: Sequence[Door],
        log: Logger,
        *,
        force: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._health = health
        self._in_flight = in_flight
        self._doors = doors
        self._log = log
        self._force = force

    async def run(self) -> ShutdownReport:
        """Drain; return when no call is left. Components are closed by whoever opened them."""
        loop = asyncio.get_running_loop()
        started, before = loop.time(), frozenset(self._in_flight.calls())
        self._health.drain()
        for door in self._doors:
            door.wind_down()
        await self._unless_forced(asyncio.sleep(self._settings.drain_delay))
        await asyncio.gather(*[door.stop_accepting() for door in self._doors])
        await self._unless_forced(self._in_flight.wait_idle(self._settings.drain_timeout))
        stuck = self._in_flight.cancel_all(Unavailable("the service is shutting down", retry_after=1))
        if stuck:
            await self._in_flight.wait_idle(self._settings.close_timeout)
        await asyncio.gather(*[door.wait_idle(ANSWER) for door in self._doors])
        report = ShutdownReport(
            seconds=round(loop.time() - started, 3),
            forced=self._force.is_set(),
            finished=len(before - frozenset(stuck)),
            stuck=tuple(_name(call) for call in stuck),
        )
        self._tell(report)
        return report

    async def _unless_forced(self, waiting: Coroutine[object, None, object]) -> None:
        task = asyncio.create_task(waiting)
        force = asyncio.create_task(self._force.wait())
        try:
            await asyncio.wait({task, force}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (task, force):
                each.cancel()
            await asyncio.gather(task, force, return_exceptions=True)

    def _tell(self, report: ShutdownReport) -> None:
        write = self._log.warning if report.stuck else self._log.info
        write(
            "drained",
            seconds=report.seconds,
            forced=report.forced,
            finished=report.finished,
            stuck=list(report.stuck),
        )


def _name(call: Call) -> str:
    return f"{call.operation.name} {call.id}"
