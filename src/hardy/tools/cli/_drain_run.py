"""One run: a service is started, loaded, told to stop, and looked at until it is gone."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from io import BufferedReader

from hardy.tools.cli._drain_http import HttpTarget, keep_asking, keep_listening, watch_ready
from hardy.tools.cli._drain_tally import Watch

START = 60.0
"""Seconds until the service must have started."""
WARM = 1.0
"""Seconds of load before the signal, and after workers were replaced."""
_DOORS = frozenset({"http", "grpc"})
_LINE = 2**20
Job = Callable[[Watch, dict[str, str]], Coroutine[object, object, None]]
"""Makes the work of one client, given where the service listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What every run does."""

    command: Sequence[str]
    prefix: str
    delay: float
    patience: float
    """Seconds from the signal to the exit, at most."""
    rolls: bool
    jobs: Sequence[Job]


@dataclass(kw_only=True)
class Outcome:
    """How one run went."""

    watch: Watch
    code: int | None = None
    seconds: float = 0.0
    red: float | None = None
    """Seconds from the signal until ready was red."""
    faults: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and the service ended as it should."""
        return self.watch.is_clean and self.code == 0 and not self.faults

    def facts(self) -> dict[str, object]:
        """Return it as plain data."""
        watch = self.watch
        return {
            "clean": self.is_clean,
            "http": watch.http.facts(),
            "grpc": watch.grpc.facts(),
            "streams": watch.streams.facts(),
            "code": self.code,
            "seconds": round(self.seconds, 3),
            "red": None if self.red is None else round(self.red, 4),
            "notes": [*self.faults, *watch.notes],
        }


class Run:
    """One run of *plan*."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._watch = Watch(plan.delay, rolls=plan.rolls)
        self._outcome = Outcome(watch=self._watch)
        self._events: dict[str, asyncio.Future[dict[str, object]]] = {}
        self._stderr = b""

    async def carry_out(self) -> Outcome:
        """Do it.

        Raises:
            ChildProcessError: The service does not start; it has said why.
        """
        process, log = await self._start()
        listening = asyncio.create_task(self._listen(log))
        try:
            places = await self._started(process)
            load = [asyncio.create_task(job(self._watch, places)) for job in self._plan.jobs]
            await asyncio.sleep(WARM)
            if self._plan.rolls:
                await self._roll(process)
            await self._stop(process, places, load)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await listening
        self._watch.settle()
        return self._outcome

    async def _start(self) -> tuple[asyncio.subprocess.Process, BufferedReader]:
        prefix = self._plan.prefix
        environ = {**os.environ, f"{prefix}_TELEMETRY__FORMAT": "json", f"{prefix}_TELEMETRY__LEVEL": "info"}
        # A pipe as a container has it, where lines of several processes stay whole; a loop might take sockets.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._plan.command, env=environ, stdout=writing, stdin=subprocess.DEVNULL
            )
        finally:
            os.close(writing)
        return process, os.fdopen(reading, "rb")

    async def _listen(self, log: BufferedReader) -> None:
        """Read the log of the service: which calls it has carried out, and what it says of itself."""
        reader = asyncio.StreamReader(limit=_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), log
        )
        try:
            async for line in reader:
                try:
                    event: dict[str, object] = json.loads(line)
                except ValueError:  # printed, not logged
                    continue
                if event["level"] == "error":
                    self._watch.note(" ".join(str(event.get(name, "")) for name in ("event", "faults")).strip())
                if event["event"] == "call":
                    # An event has the id of the call that published it, and nobody waits for its answer.
                    if event["transport"] in _DOORS:
                        self._watch.begun.add(str(event["call"]))
                elif not (heard := self._hear(str(event["event"]))).done():
                    heard.set_result(event)
        finally:
            transport.close()

    def _hear(self, name: str) -> "asyncio.Future[dict[str, object]]":
        return self._events.setdefault(name, asyncio.get_running_loop().create_future())

    async def _started(self, process: asyncio.subprocess.Process) -> dict[str, str]:
        ended = asyncio.create_task(process.wait())
        ended.add_done_callback(lambda _: self._hear("started").cancel())
        try:
            async with asyncio.timeout(START):
                said = await self._hear("started")
        except (TimeoutError, asyncio.CancelledError):
            raise ChildProcessError("the service does not start") from None
        places = {door: said.get(door) for door in ("http", "grpc", "admin")}
        return {door: reachable(str(place)) for door, place in places.items() if place}

    async def _roll(self, process: asyncio.subprocess.Process) -> None:
        process.send_signal(signal.SIGHUP)
        try:
            async with asyncio.timeout(START):
                await asyncio.shield(self._hear("replaced workers"))
        except TimeoutError:
            self._outcome.faults.append(f"the workers were not replaced within {START:g} s")
        # The old ones have a moment left in which they serve beside the new ones.
        await asyncio.sleep(max(WARM, self._plan.delay) + WARM / 2)
        self._watch.over = True
        await asyncio.sleep(WARM / 4)  # what was asked is answered; streams go on until the end

    async def _stop(
        self, process: asyncio.subprocess.Process, places: dict[str, str], load: "Sequence[asyncio.Task[None]]"
    ) -> None:
        started = time.monotonic()
        self._watch.signal()
        process.send_signal(signal.SIGTERM)
        red = asyncio.create_task(watch_ready(*address(places["admin"]), self._watch)) if "admin" in places else None
        try:
            async with asyncio.timeout(self._plan.patience):
                await process.wait()
        except TimeoutError:
            self._outcome.faults.append(f"the service did not end within {self._plan.patience:g} s")
            process.kill()
            await process.wait()
        self._outcome.seconds = time.monotonic() - started
        self._outcome.code = process.returncode
        if self._outcome.seconds < self._plan.delay:
            left, delay = self._outcome.seconds, self._plan.delay
            self._outcome.faults.append(f"the service ended after {left:.2f} s, and its drain delay is {delay:g} s")
        self._watch.over = True
        _, late = await asyncio.wait(load, timeout=5.0)
        for task in late:
            task.cancel()
        for task in load:
            if not task.cancelled() and task.done():
                task.result()
        if red is not None:
            self._outcome.red = await red


def http_job(make: Callable[[str, int], HttpTarget], *, keeps: bool = True, stream: str | None = None) -> Job:
    """Return the work of a client over HTTP."""

    async def job(watch: Watch, places: dict[str, str]) -> None:
        target = make(*address(places["http"]))
        await (keep_asking(target, watch, keeps=keeps) if stream is None else keep_listening(target, watch, stream))

    return job


def address(text: str) -> tuple[str, int]:
    """Return host and port."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def reachable(text: str) -> str:
    """Return an address of this machine for one that means all of them."""
    host, port = address(text)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # looked up, not listened on
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def command_of(reference: str, flags: Sequence[str]) -> list[str]:
    """Return the command line that runs the service."""
    return [sys.executable, "-m", "hardy", "run", reference, *flags]
