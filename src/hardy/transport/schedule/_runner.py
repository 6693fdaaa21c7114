"""Carries out one schedule: waits for its ticks, claims each, runs the use case."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from hardy.core import Call, Cancelled, Clock, Emit, Error, Exposed, Logger, Operation, Principal, SystemClock
from hardy.queueing import Claims, StoreBack, StoreLost, TickMissed
from hardy.transport.schedule._cron import Cron
from hardy.transport.schedule._timetable import Timetable

_LOOK = 1.0
"""Seconds between two looks at the clock: it may have been put forward."""
_LOOK_AT_A_TURNED_CLOCK = 0.02
_LONGEST_WAIT = 10.0


@dataclass(slots=True)
class Counts:
    """What became of the ticks."""

    done: int = 0
    failed: int = 0
    elsewhere: int = 0
    missed: int = 0
    in_flight: int = 0


class ScheduleCall(Call):
    """A call that a schedule makes: nobody waits for a reply."""

    __slots__ = ("tick",)

    def __init__(self, operation: Operation, tick: datetime) -> None:
        super().__init__(operation, "schedule", peer=f"schedule:{operation.name}")
        self.tick = tick
        self.principal = Principal(f"schedule:{operation.name}", kind="service")

    async def receive(self) -> object:
        """Return a message that says nothing."""
        return self.operation.message_of((), {})


class Runner:
    """Carries out one schedule."""

    def __init__(
        self,
        exposed: Exposed,
        claims: Claims,
        *,
        service: str,
        counts: Counts,
        emit: Emit,
        logger: Logger,
        clock: Clock,
    ) -> None:
        self._exposed = exposed
        self._cron = cast("Cron", exposed.binding)
        self._claims = claims
        self.name = f"{service}.{exposed.operation.name} {self._cron.expression} {self._cron.timezone}"
        """What its ticks are claimed under: with the expression, for another one has other ticks."""
        self._counts = counts
        self._emit = emit
        self._logger = logger
        self._clock = clock
        self._look = _LOOK if isinstance(clock, SystemClock) else _LOOK_AT_A_TURNED_CLOCK
        self._stop = asyncio.Event()
        self._lost_at: float | None = None
        self.task: asyncio.Task[None] | None = None
        """What is in flight."""
        self._call: ScheduleCall | None = None

    def drain(self) -> None:
        """Take no tick from now on."""
        self._stop.set()

    def stop(self) -> None:
        """Cancel what is in flight."""
        self.drain()
        if self._call is not None:
            self._call.cancel(Cancelled("the service stops"))

    async def work(self) -> None:
        """Take ticks until it is drained; what is in flight goes on after."""
        timetable = await self._begin()
        while timetable is not None and not self._stop.is_set():
            due = timetable.due(self._clock.now())
            if due.missed is not None:
                self._missed(due.missed, "nobody could take it in time")
            if due.tick is not None:
                await self._take(due.tick, due.next)
            await self._wait(min(self._look, max(0.0, (due.next - self._clock.now()).total_seconds())))

    async def _begin(self) -> Timetable | None:
        """Ask what was claimed before; ``None`` when it is drained meanwhile."""
        began, failures = self._clock.now(), 0
        while not self._stop.is_set():
            try:
                last = await self._claims.last(self.name, before=began)
            except Exception as error:  # whatever the store has, it may be well again in a while
                failures += 1
                await self._wait(self._store_failed(error, failures))
            else:
                self._store_answered()
                return Timetable(self._cron, began, last=last)
        return None

    async def _take(self, tick: datetime, following: datetime) -> None:
        """Claim *tick* and begin it, unless it is another's."""
        if self.task is not None:
            self._missed(tick, "the one before still runs")
            return
        failures = 0
        while not self._stop.is_set():
            try:
                claimed = await self._claims.claim(self.name, tick)
            except Exception as error:  # as above
                failures += 1
                await self._wait(self._store_failed(error, failures))
                if self._clock.now() >= following:
                    self._missed(tick, "it could not be claimed")
                    return
            else:
                self._store_answered()
                if claimed:
                    self._run(tick)
                else:
                    self._counts.elsewhere += 1
                return

    def _run(self, tick: datetime) -> None:
        # Also when it was drained meanwhile: nobody else has this tick any more.
        self._call = ScheduleCall(self._exposed.operation, tick)
        self._counts.in_flight += 1
        self.task = asyncio.create_task(self._carry_out(self._call), name=f"schedule {self._exposed.operation.name}")
        self.task.add_done_callback(self._ended)

    async def _carry_out(self, call: ScheduleCall) -> None:
        try:
            await call.run(self._exposed.handler)
        except Exception as error:  # what is no Error is a defect that no layer of the chain has caught
            if not isinstance(error, Error):
                call.log.exception("a call failed outside of its chain")
            self._counts.failed += 1
        else:
            self._counts.done += 1

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.task = self._call = None
        self._counts.in_flight -= 1

    def _missed(self, tick: datetime, reason: str) -> None:
        self._counts.missed += 1
        self._emit(TickMissed(name=self.name, tick=tick, reason=reason))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass

    def _store_failed(self, error: Exception, failures: int) -> float:
        """Tell of it once, and return how long to wait."""
        wait = min(_LONGEST_WAIT, 0.1 * 2.0 ** min(failures, 10)) * (0.5 + random.random() / 2)
        if self._lost_at is None:
            self._lost_at = self._clock.monotonic()
            self._emit(StoreLost(name=self.name, reason=str(error) or type(error).__name__, delay=wait))
        return wait

    def _store_answered(self) -> None:
        if self._lost_at is not None:
            self._emit(StoreBack(name=self.name, seconds=self._clock.monotonic() - self._lost_at))
            self._lost_at = None
