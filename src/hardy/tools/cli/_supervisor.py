"""Keeps one serving process, and replaces it by the next when the code has changed."""

import asyncio
import signal
import time
from collections.abc import Coroutine, Iterable
from importlib.util import cache_from_source
from pathlib import Path

from hardy.tools.cli._child import Child
from hardy.tools.cli._project import Project
from hardy.tools.cli._sockets import Sockets
from hardy.tools.cli._style import complain, note
from hardy.tools.cli._target import Options
from hardy.tools.cli._watch import Watch, not_python

INTERRUPTED = 130


class Supervisor:
    """Serves a project until it is told to stop.

    Args:
        project: What is served.
        options: What its processes are told beside the environment.
    """

    def __init__(self, project: Project, options: Options) -> None:
        self._told = {
            "root": str(project.root),
            "reference": project.reference,
            "flags": {"environment": "dev", **options.flags},
            "config": None if options.config is None else str(options.config),
            "env_file": None if options.env_file is None else str(options.env_file),
        }
        self._project = project
        self._sockets = Sockets()
        self._current: Child | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._force = asyncio.Event()

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; return the exit code.

        When the first start fails, its exit code is returned; later ones wait for the next change.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_stop)
        try:
            async with Watch(self._project) as watch:
                child = await self._start()
                if not await self._until(child.settle()):
                    await child.stop(self._force)
                    return child.exit_code if not self._stop.is_set() else 0
                self._current = child
                await self._serve(watch)
        finally:
            await self._leave()
            self._sockets.keep_only(())
        return INTERRUPTED if self._force.is_set() else 0

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            self._force.set()
        self._stop.set()

    async def _start(self) -> Child:
        return await Child(self._told, self._sockets.of).start()

    async def _until(self, coming: Coroutine[object, object, bool]) -> bool:
        """Wait for *coming*; ``False`` as soon as the end is wanted."""
        task = asyncio.create_task(coming)
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            return bool(task.result())
        task.cancel()
        return False

    async def _serve(self, watch: Watch) -> None:
        while not self._stop.is_set():
            changing = asyncio.create_task(watch.wait())
            stopping = asyncio.create_task(self._stop.wait())
            waiting = {changing, stopping}
            if self._current is not None:
                waiting.add(asyncio.create_task(self._current.ended.wait()))
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in waiting:
                each.cancel()
            if self._stop.is_set():
                return
            if self._current is not None and self._current.ended.is_set():
                await self._lost(self._current)
            elif changing.done():
                await self._change(watch)

    async def _lost(self, child: Child) -> None:
        self._current = None
        await child.stop()
        complain(
            f"warning: the service has ended with exit code {child.exit_code}; it starts again with the next change"
        )

    async def _change(self, watch: Watch) -> None:
        """Replace the running process by one with the changed code, when that can serve."""
        changed, started = watch.take(), time.monotonic()
        if faults := not_python(changed):
            complain("\n\n".join(each.render() for each in faults))
            self._kept()
            return
        _forget_compiled(changed)
        fresh = await self._start()
        settling = asyncio.create_task(fresh.settle())
        again = asyncio.create_task(watch.wait())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({settling, again, stopping}, return_when=asyncio.FIRST_COMPLETED)
        serves = settling.done() and settling.result()
        for each in (settling, again, stopping):
            each.cancel()
        if not serves:
            failed = fresh.ended.is_set()
            await fresh.stop(self._force)
            if failed:
                self._kept()
            return
        self._replace(fresh)
        note(f"  {time.strftime('%H:%M:%S')}  reloaded in {time.monotonic() - started:.2f} s   {_names(changed)}")

    def _kept(self) -> None:
        note(
            f"  {time.strftime('%H:%M:%S')}  " + ("kept the running version" if self._current else "nothing is running")
        )

    def _replace(self, fresh: Child) -> None:
        old, self._current = self._current, fresh
        if fresh.wanted:
            self._sockets.keep_only(fresh.wanted)
        if old is not None:
            leaving = asyncio.create_task(old.stop(self._force))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self) -> None:
        if self._current is not None:
            await self._current.stop(self._force)
        await asyncio.gather(*self._leaving)


def _forget_compiled(changed: Iterable[Path]) -> None:
    """Remove what Python has compiled: it would be taken for current after two saves within one second."""
    for path in changed:
        if path.suffix == ".py":
            Path(cache_from_source(path)).unlink(missing_ok=True)


def _names(changed: set[Path]) -> str:
    here = Path.cwd()
    names = sorted(str(path.relative_to(here)) if path.is_relative_to(here) else str(path) for path in changed)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
