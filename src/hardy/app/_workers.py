"""The parent of a service with several workers: it owns the addresses and sees to it that there are workers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from hardy.app._cpus import usable_cpus
from hardy.app._worker import is_worker
from hardy.app._workers_admin import workers_admin_server
from hardy.app._workers_child import Child
from hardy.app._workers_listen import refuse_alone
from hardy.app._workers_pool import Pool, Slot, WorkersStatistics, lasted
from hardy.app._workers_roll import Roll
from hardy.app._workers_tell import how_it_ended, say_wrong, tell_drained, tell_started, tell_unstarted
from hardy.core import BuildFailed
from hardy.lifecycle import Health, Restart, Signals
from hardy.telemetry import make_logger
from hardy.transport.command import WrongUsage

RESTART = Restart(first=0.5, most=15.0, settled=30.0, attempts=6)
"""When a worker that ended by itself is started again: at once, if it had been there for a while."""
RELIEVE = 60.0
"""Seconds in which a new worker must be ready to relieve another, which serves until then."""
GRACE = 0.5
"""Seconds more than a worker may take for its end, before it is killed."""


class Workers:
    """Runs one program several times as one service.

    The parent starts *command* for each worker, in a process of its own, and
    never imports the service itself. It binds what the first worker's settings
    say and hands the sockets on. A worker that ends by itself is started again,
    after a wait that grows; when too few are left and the new ones do not stay,
    the service ends with an exit code. SIGTERM and SIGINT drain every worker
    and a second one cancels what is in flight. SIGHUP replaces the workers one
    by one by such that have read code and configuration anew; if these are
    wrong, every fault is logged and the old ones serve on.

    Args:
        command: A command line that comes to `serve_here`.
        count: How many workers.
        restart: When one is started again, and after how many ends in a row no more.
        relieve: Seconds that a new worker has to be ready before a roll is given up.
    """

    def __init__(
        self, command: Sequence[str], count: int, *, restart: Restart = RESTART, relieve: float = RELIEVE
    ) -> None:
        self._pool = Pool(command, count)
        self._restart = restart
        self._health = Health(keep=0.0)
        self._health.watch("workers", self._pool.ping)
        self._roll = Roll(self._pool, relieve)
        self._stack = AsyncExitStack()
        self._born = time.monotonic()

    async def run(self) -> int:
        """Serve until a signal says to stop, then drain; return the exit code. For the main thread only."""
        loop, pool = asyncio.get_running_loop(), self._pool
        loop.add_signal_handler(signal.SIGCHLD, pool.reap)
        loop.add_signal_handler(signal.SIGHUP, self._roll.told.set)
        async with self._stack, Signals() as signals:
            pool.watch(self._stop_when_told(signals))
            if await self._start_first():
                pool.watch(self._start_others())
                await pool.stopping.wait()
            await self._end(signals)
        return pool.code

    def statistics(self) -> WorkersStatistics:
        """Return what became of the workers."""
        return self._pool.statistics()

    async def _stop_when_told(self, signals: Signals) -> None:
        await signals.drain.wait()
        self._health.drain()
        self._pool.stop()

    # -- starting

    async def _start_first(self) -> bool:
        """Start one worker and learn from it what this service is; return whether it got as far."""
        pool = self._pool
        child = pool.spawn(1)
        checked = await pool.unless_stopping(child.checked)
        if checked is None:
            if not pool.stopping.is_set():
                pool.code = tell_unstarted(pool, child)
            return False
        pool.checked = checked
        pool.logger = make_logger(level=checked.level, format=checked.format, service=checked.name)
        try:
            refuse_alone(checked, pool.count)
            await pool.addresses.obtain(checked)
            admin = workers_admin_server(pool, self._health, checked)
        except BuildFailed as failed:
            say_wrong(str(failed))
            pool.code = failed.exit_code
            return False
        await self._stack.enter_async_context(admin)
        self._fill(child)
        return True

    async def _start_others(self) -> None:
        pool = self._pool
        for number in range(2, pool.count + 1):
            self._fill(pool.spawn(number))
        while pool.ready() < pool.count:
            pool.changed.clear()
            await pool.changed.wait()
        if not pool.stopping.is_set():
            pool.complete = True
            self._health.serve()
            tell_started(pool, time.monotonic() - self._born)
            pool.watch(self._roll.when_told())

    def _fill(self, child: Child) -> None:
        slot = Slot(child)
        self._pool.slots.append(slot)
        self._pool.watch(self._keep(slot))

    # -- keeping

    async def _keep(self, slot: Slot) -> None:
        """See to it that somebody fills *slot*."""
        pool = self._pool
        await self._bring_up(slot.child)
        while not pool.stopping.is_set():
            child = slot.child
            await asyncio.wait([child.ended])
            if pool.stopping.is_set() or slot.child is not child:
                continue
            delay = self._lost(slot, child)
            if delay is None:
                return
            await pool.unless_stopping(asyncio.sleep(delay))
            if slot.child is child and not pool.stopping.is_set():
                slot.child = pool.spawn(slot.number)
                await self._bring_up(slot.child)

    async def _bring_up(self, child: Child) -> None:
        if await asyncio.shield(child.checked) is not None:
            await self._pool.send_out(child)

    def _lost(self, slot: Slot, child: Child) -> float | None:
        """Tell that a worker has ended by itself; return the seconds until the next, ``None`` when all ends."""
        pool, seconds = self._pool, lasted(child)
        pool.crashed += 1
        if not pool.complete and child.failed is not None:
            pool.stop(tell_unstarted(pool, child))
            return None
        settled = seconds >= self._restart.settled
        slot.row = 1 if settled else slot.row + 1
        most = self._restart.attempts
        gives_up = most is not None and slot.row >= most and pool.ready() < pool.enough
        delay = None if gives_up else 0.0 if settled else self._restart.ceiling(slot.row - 1)
        facts = {"worker": slot.number, "pid": child.pid, "seconds": round(seconds, 1), **how_it_ended(child)}
        pool.logger.error("worker ended", **facts, restart_in=delay)
        if gives_up:
            pool.logger.error("giving up: workers do not stay", worker=slot.number, ends=slot.row, ready=pool.ready())
            pool.stop(1 if child.failed is None else child.failed.code)
        return delay

    # -- ending

    async def _end(self, signals: Signals) -> None:
        """Drain every worker, and leave when the last has ended."""
        started, pool = time.monotonic(), self._pool
        self._health.drain()
        pool.stop()
        # The workers close theirs, the last one with an empty backlog: held here, it would fill again.
        pool.addresses.close()
        children = [child for child in pool.children() if child.state != "starting"]
        for child in pool.children():
            if child.state == "starting":  # it has promised nothing to anybody
                child.kill()
            else:
                await child.drain()
        forcing = asyncio.create_task(_force_when_told(signals, children))
        await asyncio.gather(*[self._await_end(child) for child in pool.children()])
        forcing.cancel()
        pool.addresses.remove_paths()
        if pool.complete:
            clean = tell_drained(pool, children, forced=signals.force.is_set(), seconds=time.monotonic() - started)
            pool.code = pool.code or (0 if clean else 1)

    async def _await_end(self, child: Child) -> None:
        if not await child.wait_ended(self._pool.patience + GRACE):
            child.kill()
            await child.wait_ended(GRACE)


async def _force_when_told(signals: Signals, children: Sequence[Child]) -> None:
    await signals.force.wait()
    for child in children:
        await child.force()


def how_many(text: str) -> int | None:
    """Return the number of workers that *text* asks for; ``auto`` is one for each processor that may be used.

    Example:
        >>> how_many("4"), how_many("none")
        (4, None)
    """
    if text == "auto":
        return usable_cpus()
    return int(text) if text.isdecimal() and 0 < int(text) <= 1024 else None


def with_workers(text: str) -> None:
    """Go on as one of the workers that *text* asks for; a process that is none yet becomes their parent.

    Each worker runs what this process runs. The parent is another program in
    its place, so that it has imported nothing of the service.

    Args:
        text: A number, or ``auto`` for one for each processor that may be used.

    Raises:
        WrongUsage: It is neither.
    """
    count = how_many(text)
    if count is None:
        raise WrongUsage(f'error: "{text}" is no number of workers; write --workers 4 or --workers auto')
    if is_worker():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    own = [sys.executable, *sys.orig_argv[1:]]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "hardy.app._workers_main", str(count), *own])  # noqa: S606  # no shell wanted
