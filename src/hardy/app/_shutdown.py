"""The way down: nothing that was accepted is lost, nothing new is promised."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from hardy.app._doors import Door
from hardy.config import ShutdownSettings
from hardy.core import Call, Logger, Unavailable
from hardy.lifecycle import Drains, Health
from hardy.resilience import InFlight

STREAMS = 1 / 3
"""The part of ``drain_timeout`` that streams of replies get to come to their end."""
UNWIND = 0.4
"""Seconds in which cancelled calls unwind and answers that are made get onto the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownReport:
    """How a shutdown went."""

    seconds: float
    forced: bool
    finished: int
    """Calls in flight at the signal that ended by themselves."""
    streams: int
    """Streams that were ended with UNAVAILABLE, for their clients to resume elsewhere."""
    stuck: tuple[str, ...]
    """Calls that had to be cancelled, by operation and call id."""


class Shutdown:
    """Takes a running service down in the order of the design.

    Ready goes red at once and components are told to drain. For
    ``drain_delay`` calls are still accepted; then those in flight have
    ``drain_timeout`` to end. A stream of replies may have no end of its own, so
    it has a third of that: then it is answered UNAVAILABLE with a moment to come
    back after, as its protocol tells errors (an ``error`` event, a last line, a
    status), while calls with one reply go on. Whatever is left at the end, or
    at a second signal, is cancelled and named in the report.

    Args:
        settings: How long each phase may take.
        health: Turned red.
        in_flight: The calls.
        doors: What lets them in.
        log: Gets the report as one line.
        drains: Components that have work of their own in flight.
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
        drains: Sequence[tuple[str, Drains]] = (),
        force: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._health = health
        self._in_flight = in_flight
        self._doors = doors
        self._log = log
        self._drains = drains
        self._force = force

    async def run(self) -> ShutdownReport:
        """Drain; return when no call is left. Components are closed by whoever opened them."""
        loop = asyncio.get_running_loop()
        started, before = loop.time(), frozenset(self._in_flight.calls())
        self._health.drain()
        for door in self._doors:
            door.wind_down()
        draining = [asyncio.create_task(self._drain(name, each)) for name, each in self._drains]
        await self._unless_forced(asyncio.sleep(self._settings.drain_delay))
        await asyncio.gather(*[door.stop_accepting() for door in self._doors])
        closed = loop.time()
        streams = await self._finish_calls(draining)
        stuck = self._in_flight.cancel(_leaving())
        left = self._settings.drain_timeout - (loop.time() - closed)
        # Where nobody is stuck, answers that are made have all the time that calls had.
        await self._unwind(draining, UNWIND if stuck or self._force.is_set() else max(UNWIND, left))
        report = ShutdownReport(
            seconds=round(loop.time() - started, 3),
            forced=self._force.is_set(),
            finished=len(before - frozenset((*stuck, *streams))),
            streams=len(streams),
            stuck=tuple(_name(call) for call in stuck),
        )
        self._tell(report)
        return report

    async def _drain(self, name: str, component: Drains) -> None:
        try:
            await component.drain()
        except Exception as error:  # whatever it is, the others are to be drained too
            self._log.error("component failed to drain", component=name, exc_info=error)

    async def _finish_calls(self, draining: Sequence["asyncio.Task[None]"]) -> Sequence[Call]:
        """Wait for what is in flight; return the streams that had to be ended."""
        whole = self._settings.drain_timeout
        share = whole * STREAMS
        if await self._all_done(draining, share):
            return ()
        streams = self._in_flight.cancel(_leaving(), only=lambda call: call.operation.kind.streams_out)
        await self._all_done(draining, whole - share)
        return streams

    async def _all_done(self, draining: Sequence["asyncio.Task[None]"], timeout: float) -> bool:
        """Wait until calls, doors and components are done, unless forced; return whether they are."""
        calls = self._unless_forced(self._in_flight.wait_idle(timeout))
        doors = [self._unless_forced(door.wait_idle(timeout)) for door in self._doors]
        drains = [self._unless_forced(_ended(draining, timeout))] if draining else []
        return all(await asyncio.gather(calls, *doors, *drains))

    async def _unless_forced(self, waiting: Coroutine[object, None, bool | None]) -> bool:
        """Wait for *waiting* or a second signal; return what *waiting* returned, false when it was not waited for."""
        task = asyncio.create_task(waiting)
        force = asyncio.create_task(self._force.wait())
        try:
            await asyncio.wait({task, force}, return_when=asyncio.FIRST_COMPLETED)
            return task.done() and bool(task.result())
        finally:
            for each in (task, force):
                each.cancel()
            await asyncio.gather(task, force, return_exceptions=True)

    async def _unwind(self, draining: Sequence["asyncio.Task[None]"], patience: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        for each in draining:
            each.cancel()
        await self._in_flight.wait_idle(patience)
        await asyncio.gather(*[door.finish(max(0.0, end - loop.time())) for door in self._doors])

    def _tell(self, report: ShutdownReport) -> None:
        write = self._log.warning if report.stuck else self._log.info
        write(
            "drained",
            seconds=report.seconds,
            forced=report.forced,
            finished=report.finished,
            streams=report.streams,
            stuck=list(report.stuck),
        )


async def _ended(tasks: Sequence["asyncio.Task[None]"], timeout: float) -> bool:
    _, running = await asyncio.wait(tasks, timeout=timeout)
    return not running


def _leaving() -> Unavailable:
    return Unavailable("the service is shutting down", retry_after=1)


def _name(call: Call) -> str:
    return f"{call.operation.name} {call.id}"
