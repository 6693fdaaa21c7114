"""A process that serves together with others like it, for a parent that owns the addresses."""

import asyncio
import os
import select
import socket
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec

from hardy.app._app import App
from hardy.app._assembly import Assembly
from hardy.app._describe import describe
from hardy.app._link import (
    Answer,
    Ask,
    Checked,
    Drain,
    Drained,
    Failed,
    Force,
    Link,
    Listen as Where,
    Ready,
    Said,
    ToParent,
    say_once,
)
from hardy.app._loop import run_loop
from hardy.app._opening import explained
from hardy.app._policies import counts_alone
from hardy.app._serve import close, serve, wanted
from hardy.app._service import Listen, Service
from hardy.app._shutdown import UNWIND
from hardy.config import Settings, ShutdownSettings, TlsSettings
from hardy.core import BuildFailed
from hardy.lifecycle import Signals, Tasks
from hardy.telemetry import capture_stdlib

VARIABLE = "_HARDY_WORKER"
"""Says to a worker where the line to its parent is, and how to know it again: ``DESCRIPTOR:INODE``.

It begins unlike every setting.
"""
LOOK = 0.5
"""Seconds between two looks at readiness on behalf of the parent."""
RELIEF = 1.0
"""Least seconds in which a worker that another has relieved tells its clients to connect anew."""
TAIL = 1.0
"""Seconds for what is left after the components are closed: tasks and threads that do not end."""


def serve_here(app: App, *, ready: Callable[[Service], None] | None = None) -> bool:
    """Serve *app* in this process: for a parent, when one has started it as a worker; alone otherwise.

    Args:
        app: What to serve.
        ready: Called once the service listens.

    Returns:
        Whether everything was closed without an error.

    Raises:
        BuildFailed: As `serve` raises it.
    """
    sock = line_to_parent()
    return serve(app, ready=ready) if sock is None else run_loop(working(app, sock, ready))


def line_to_parent() -> socket.socket | None:
    """Return this end of the line to the parent; ``None`` where no parent started this process as a worker."""
    said, _, inode = os.environ.get(VARIABLE, "").partition(":")
    if not said.isdigit():
        return None
    try:
        found = os.fstat(int(said))
    except OSError:
        return None
    # What a worker starts inherits the variable but not the line, and is no worker.
    if str(found.st_ino) != inode or not stat.S_ISSOCK(found.st_mode):
        return None
    os.set_inheritable(int(said), False)
    return socket.socket(fileno=os.dup(int(said)))


def is_worker() -> bool:
    """Tell whether a parent started this process as one of its workers."""
    sock = line_to_parent()
    if sock is None:
        return False
    sock.close()
    return True


def told_parent(failed: BuildFailed) -> bool:
    """Tell the parent why this worker cannot serve, and return whether there is a parent to tell."""
    sock = line_to_parent()
    if sock is None:
        return False
    with sock:
        say_once(sock, Failed(code=failed.exit_code, text="\n\n".join(each.render() for each in failed.diagnostics)))
    return True


async def working(app: App, sock: socket.socket, ready: Callable[[Service], None] | None) -> bool:
    """Serve *app* as a worker; see `serve_here`."""
    assembly = Assembly(app)
    with capture_stdlib(assembly.logger, level=app.settings.telemetry.level):
        async with Signals() as signals:
            worker = Worker(assembly, sock, signals.drain, ready or (lambda service: None))
            try:
                return await worker.run()
            finally:
                worker.link.close()


def patience(settings: ShutdownSettings, *, relieved: bool = False) -> float:
    """Return the seconds from being told to drain to the exit, at most."""
    delay = max(settings.drain_delay, RELIEF) if relieved else settings.drain_delay
    return delay + settings.drain_timeout + UNWIND + settings.close_timeout + TAIL


class Worker:
    """The life of a worker: checked, told where to listen, serving, drained.

    A signal asks it to drain, as the parent does; only the parent makes it
    hurry. A signal to a whole group of processes reaches parent and workers
    both, and must not count twice.

    Args:
        assembly: The checked service.
        sock: The line to the parent.
        drain: Set when it is to end.
        opened: Called once the service listens.
    """

    def __init__(
        self, assembly: Assembly, sock: socket.socket, drain: asyncio.Event, opened: Callable[[Service], None]
    ) -> None:
        self._assembly = assembly
        self._drain = drain
        self._opened = opened
        self._force = asyncio.Event()
        self._relieved = False
        self._placed = asyncio.Event()
        self._where: tuple[Where, Sequence[int]] | None = None
        self._service: Service | None = None
        self._answers: set[asyncio.Task[bool]] = set()
        _end_with(sock, patience(assembly.app.settings.shutdown))
        self.link = Link(sock, self._heard, self._orphaned)

    async def run(self) -> bool:
        """Live it, and return whether everything was closed without an error."""
        await self.link.say(_checked(self._assembly.app))
        drained, placed = asyncio.create_task(self._drain.wait()), asyncio.create_task(self._placed.wait())
        await asyncio.wait({drained, placed}, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()
        placed.cancel()
        if self._where is None or self._drain.is_set():
            return True
        self._service = service = self._make(*self._where)
        with explained(self._assembly.app):
            await service.__aenter__()
        try:
            self._opened(service)
            async with Tasks(self._assembly.notices) as tasks:
                tasks.start("telling readiness", self._tell_readiness)
                await self._drain.wait()
            await self._take_down(service)
        except BaseException as error:
            await service.__aexit__(type(error), error, error.__traceback__)
            raise
        return await close(service)

    def _make(self, where: Where, descriptors: Sequence[int]) -> Service:
        sockets = tuple(socket.socket(fileno=each) for each in descriptors)
        grpc = None if where.grpc is None else Listen(*where.grpc, shared=True)
        return Service(self._assembly, http=Listen(sockets=sockets) if sockets else None, grpc=grpc)

    async def _tell_readiness(self) -> None:
        assert self._service is not None
        told: Ready | None = None
        while True:
            readiness = await self._service.health.ready()
            failing = {check.name: check.error for check in readiness.checks if not check.ok}
            now = Ready(ready=readiness.ready, failing=failing)
            if now != told:
                await self.link.say(now)
                told = now
            await asyncio.sleep(LOOK)

    async def _take_down(self, service: Service) -> None:
        settings = self._assembly.app.settings.shutdown
        if self._relieved:
            # Others listen on: there is time to tell every client to connect anew.
            settings = replace(settings, drain_delay=max(settings.drain_delay, RELIEF))
        report = await service.shutdown(force=self._force, settings=settings, others=lambda: self._relieved).run()
        await self.link.say(Drained(finished=report.finished, streams=report.streams, stuck=report.stuck))

    # -- the parent's word

    def _heard(self, message: Said, descriptors: Sequence[int]) -> None:
        match message:
            case Where():
                self._where = message, descriptors
                self._placed.set()
            case Drain(relieved=relieved):
                # Told once more, without: now all of the service ends, and this may be the last to close a socket.
                self._relieved = relieved
                self._drain.set()
            case Force():
                self._drain.set()
                self._force.set()
            case Ask():
                self._say(Answer(number=message.number, content=self._content(message)))
            case _:
                pass

    def _content(self, message: Ask) -> msgspec.Raw:
        content: object = None
        if message.what == "info":
            content = describe(self._assembly.app)
        elif self._service is not None:
            content = self._service.statistics()
        return msgspec.Raw(msgspec.json.encode(content, enc_hook=str))

    def _say(self, message: ToParent) -> None:
        task = asyncio.get_running_loop().create_task(self.link.say(message))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    def _orphaned(self) -> None:
        """Drain: without a parent nobody would start it again, and nobody could stop it together with the others."""
        if not self._drain.is_set():
            self._assembly.logger.error("the parent is gone; this worker ends")
        self._drain.set()


def _checked(app: App) -> Checked:
    settings: Settings = app.settings
    places = wanted(app)
    unix = places["http"].path if "http" in places else None
    return Checked(
        name=app.name,
        prefix=settings.prefix,
        environment=settings.environment,
        operations=len(app.exposures),
        listen={door: (place.host, place.port) for door, place in places.items()},
        path=None if unix is None else (str(unix.absolute), unix.mode),
        admin_tls=None if settings.admin.tls is None else _files(settings.admin.tls),
        alone=(
            *(type(each).__qualname__ for each in app.components if getattr(each, "worker_local", False)),
            *(("MemoryLimiter",) if counts_alone(app) else ()),
        ),
        level=settings.telemetry.level,
        format=settings.telemetry.format,
        patience=patience(settings.shutdown),
    )


def _files(tls: TlsSettings) -> tuple[str, str, str | None]:
    ca = None if tls.client_ca is None else str(tls.client_ca.absolute())
    return str(tls.certificate.absolute()), str(tls.key.absolute()), ca


def _end_with(sock: socket.socket, patience: float) -> None:
    """End this process some time after its parent, even with a loop that is stuck and hears nothing any more."""
    line = sock.dup()

    def wait() -> None:
        with line, suppress(OSError):
            watch = select.poll()
            watch.register(line.fileno(), 0)  # nothing but the hang-up, which cannot be left out
            watch.poll()
        threading.Event().wait(patience)
        os._exit(1)

    threading.Thread(target=wait, name="hardy: parent", daemon=True).start()
