"""What the three probes answer: live, ready, startup."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

State = Literal["starting", "serving", "draining"]

Ping = Callable[[], Awaitable[object]]
"""Returns when something can be reached, raises when it cannot."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one ping said."""

    name: str
    ok: bool
    seconds: float
    error: str = ""
    """Why not, for the log and the admin port; it may name hosts, so it is not for callers."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether calls should be sent here, and if not, why."""

    ready: bool
    state: State
    checks: tuple[Check, ...] = ()

    @property
    def failing(self) -> tuple[str, ...]:
        """The names of what cannot be reached."""
        return tuple(check.name for check in self.checks if not check.ok)


class Health:
    """The state of one app, as probes ask for it.

    It is live from the beginning to the end, started once `serve` was called,
    and ready while it serves and every ping succeeds. Draining turns it
    not ready at once, without asking anybody.

    Pings run side by side, each with a time limit, and their answers are kept
    for a moment, so that probes cannot load what they probe. A ping that does
    not return is not started again until it has.

    Args:
        timeout: Seconds a ping may take.
        keep: Seconds an answer is good for.
        clock: Returns seconds on a monotonic clock.

    Example:
        >>> import asyncio
        >>> health = Health()
        >>> health.started
        False
        >>> health.serve()
        >>> asyncio.run(health.ready()).ready
        True
        >>> health.drain()
        >>> asyncio.run(health.ready()).state
        'draining'
    """

    def __init__(self, *, timeout: float = 1.0, keep: float = 1.0, clock: Callable[[], float] = monotonic) -> None:
        self._timeout = timeout
        self._keep = keep
        self._clock = clock
        self._state: State = "starting"
        self._pings: dict[str, Ping] = {}
        self._running: dict[str, asyncio.Task[object]] = {}
        self._round: asyncio.Task[tuple[Check, ...]] | None = None
        self._asked = 0.0

    def watch(self, name: str, ping: Ping) -> None:
        """Make readiness depend on *ping*."""
        self._pings[name] = ping

    @property
    def live(self) -> bool:
        """Whether the process is worth keeping: until its end."""
        return True

    @property
    def started(self) -> bool:
        """Whether everything was opened and calls have been accepted."""
        return self._state != "starting"

    @property
    def state(self) -> State:
        """Where the app is in its life."""
        return self._state

    def serve(self) -> None:
        """Say that calls are accepted from now on."""
        self._state = "serving"

    def drain(self) -> None:
        """Say that no more calls should come; there is no way back."""
        self._state = "draining"

    async def ready(self) -> Readiness:
        """Ask whether calls should be sent here."""
        if self._state != "serving":
            return Readiness(ready=False, state=self._state)
        checks = await self._checks()
        ready = self._state == "serving" and all(check.ok for check in checks)
        return Readiness(ready, self._state, checks)

    async def _checks(self) -> tuple[Check, ...]:
        round_ = self._round
        if round_ is None or (round_.done() and self._clock() - self._asked >= self._keep):
            self._asked = self._clock()
            # One round for all who ask meanwhile; it goes on when one of them goes away.
            round_ = self._round = asyncio.get_running_loop().create_task(self._ask_all())
        return await asyncio.shield(round_)

    async def _ask_all(self) -> tuple[Check, ...]:
        return tuple(await asyncio.gather(*(self._ask(name, ping) for name, ping in self._pings.items())))

    async def _ask(self, name: str, ping: Ping) -> Check:
        started = self._clock()
        running = self._running.get(name)
        if running is None or running.done():
            running = self._running[name] = asyncio.get_running_loop().create_task(_awaited(ping))
            running.add_done_callback(_noted)
        await asyncio.wait([running], timeout=self._timeout)
        seconds = self._clock() - started
        if not running.done():
            running.cancel()
            return Check(name, ok=False, seconds=seconds, error=f"no answer within {self._timeout:g} s")
        del self._running[name]
        if running.cancelled():
            return Check(name, ok=False, seconds=seconds, error="cancelled")
        error = running.exception()
        return Check(name, ok=error is None, seconds=seconds, error=f"{type(error).__name__}: {error}" if error else "")


async def _awaited(ping: Ping) -> object:
    return await ping()


def _noted(task: asyncio.Task[object]) -> None:
    """Take note of an error that comes too late to be told."""
    if not task.cancelled():
        task.exception()
