"""The program as a process of its own, in a project on disk."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

HARDY = Path(sys.executable).with_name("hardy")
SERVICE = '''
    from collections.abc import AsyncIterator
    from dataclasses import dataclass, field
    from typing import Annotated, ClassVar

    import hardy
    from hardy import App, FailedPrecondition, Ge, has_scope, internal, public
    from hardy.adapters.jwt import Jwt, JwtSettings
    from hardy.transport import grpc, http

    VERSION = 1


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        """What the shop is told."""

        prefix: ClassVar[str] = "SHOP"
        jwt: JwtSettings = field(default_factory=JwtSettings)


    @dataclass(frozen=True)
    class Buy:
        """Something to buy."""

        sku: str
        quantity: Annotated[int, Ge(1)] = 1


    @dataclass(frozen=True)
    class Receipt:
        """What was bought."""

        version: int
        text: str


    class SoldOut(FailedPrecondition):
        """There is no more of it."""


    async def buy(msg: Buy) -> Receipt:
        """Buy something."""
        if msg.sku == "moon":
            raise SoldOut("there is only one", sku=msg.sku)
        return Receipt(VERSION, f"{msg.quantity} {msg.sku}")


    async def count(upto: int) -> AsyncIterator[Receipt]:
        """Count receipts."""
        for number in range(upto):
            yield Receipt(VERSION, str(number))


    async def collect(purchases: AsyncIterator[Buy]) -> Receipt:
        """Buy many things."""
        return Receipt(VERSION, " ".join([each.sku async for each in purchases]))


    async def audit() -> Receipt:
        """Look into the books."""
        return Receipt(VERSION, "all is well")


    async def tidy() -> None:
        """Reached by nobody outside."""


    def build(settings: Settings) -> App:
        app = App("shop", settings, auth=Jwt(settings.jwt))
        rpc = grpc.service("shop.v1.Shop")
        app.expose(buy, http.post("/purchases", status=201), rpc("Buy"), allow=public, raises=[SoldOut])
        app.expose(count, http.get("/count"), rpc("Count"), allow=public)
        app.expose(collect, http.post("/collect"), rpc("Collect"), allow=public)
        app.expose(audit, http.get("/audit"), rpc("Audit"), allow=has_scope("audit"))
        app.expose(tidy, allow=internal)
        return app
'''
PORTS = ("--port", "0", "--grpc-port", "0", "--admin-port", "0")


class Process:
    """A running program whose lines are read as they come."""

    def __init__(self, folder: Path, *argv: str, **environ: str) -> None:
        self.popen = subprocess.Popen(
            [HARDY, *argv],
            cwd=folder,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.popen.stdout:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def wait_for(self, text: str, *, times: int = 1) -> str:
        """Wait until *text* was printed so many times; return the line."""
        deadline = time.monotonic() + 20
        with self._more:
            while len(found := [line for line in self.lines if text in line]) < times:
                left = deadline - time.monotonic()
                assert left > 0, f"no {text!r} in:\n{''.join(self.lines)}"
                self._more.wait(left)
        return found[times - 1]

    def places(self) -> dict[str, str]:
        """Where the service listens, once it does."""
        return json.loads(self.wait_for('"event":"started"'))

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the program alone and return its exit code."""
        self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.popen.wait(20)
        self._reader.join(20)
        return code

    def kill(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self._reader.join(20)
        self.popen.stdout.close()


def make_project(root: Path) -> Path:
    (root / "src/shop").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.hardy]\nservice = "shop.app:build"\n')
    (root / "src/shop/__init__.py").touch()
    (root / "src/shop/app.py").write_text(textwrap.dedent(SERVICE).lstrip())
    return root


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project")


@pytest.fixture
def start(project):
    """Start the program in the project; it is killed at the end if it still runs."""
    started: list[Process] = []

    def start(*argv: str, **environ: str) -> Process:
        started.append(Process(project, *argv, **environ))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def done():
    """Run the program to its end."""

    def done(folder: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HARDY, *argv],
            cwd=folder,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )

    return done


@pytest.fixture
def edit(project):
    """Save the service with a change, as an editor does: at once."""

    def edit(before: str, after: str) -> None:
        file = project / "src/shop/app.py"
        text = file.read_text()
        assert before in text
        draft = project / "draft~"
        draft.write_text(text.replace(before, after))
        draft.rename(file)

    return edit


@pytest.fixture(scope="module")
def running_shop():
    """Run the service in a new project, until the last test of the file."""
    started: list[Process] = []

    def running(folder: Path) -> tuple[Path, dict[str, str]]:
        started.append(Process(make_project(folder), "run", "--environment", "dev", *PORTS))
        return folder, started[-1].places()

    yield running
    for each in started:
        each.kill()


@pytest.fixture(scope="session")
def hardy_program():
    return str(HARDY)
