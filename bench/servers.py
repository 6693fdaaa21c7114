"""Contenders: how each is started, what its processes cost, how it is ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTENDERS = HERE / "contenders"
PEERS = HERE.parent / ".venv-bench/bin/python"
OWN = HERE.parent / ".venv-bench-hardy/bin/python"
HELLO = HERE.parent / "examples/hello/hello.py"
GO_SOURCES = Path("/usr/share/gocode")
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 20.0
"""Seconds a contender has to answer for the first time."""


@dataclass
class Contender:
    """One server, and how it is started; its command gets a port as its last argument."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    first: str = "/plaintext"
    """What it is asked first."""


def contenders(scratch: Path) -> list[Contender]:
    """Return everybody who is here; say who is not."""
    found = [Contender("hardy", [str(OWN), str(CONTENDERS / "hardy_app.py")])]
    if PEERS.exists():
        names = ("fastapi", "starlette", "litestar", "robyn", "asgi")
        found += [Contender(name, [str(PEERS), str(CONTENDERS / f"{name}_app.py")]) for name in names]
    else:
        print("the peers in Python are left out: `make bench` installs them", file=sys.stderr)
    for name in ("gin", "nethttp"):
        if (program := build_go(name, scratch)) is not None:
            found.append(Contender(name, [str(program)], {"GOMAXPROCS": "1"}))
            if name == "gin":
                found.append(Contender("gin-duties", [str(program)], {"GOMAXPROCS": "1", "DUTIES": "1"}))
    return found


def python() -> str:
    """Return the version of the Python that the contenders in Python run on."""
    asked = [str(OWN), "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def services() -> list[Contender]:
    """Return the smallest services, whose size is measured: with gRPC and without."""
    rest = ("--host", "127.0.0.1", "--admin-port", "0", "--environment", "test")
    return [
        Contender(
            "hello, REST and gRPC",
            [str(OWN), str(HELLO), *rest, "--grpc-port", "0", "--port"],
            first="/hello/you",
        ),
        Contender("hello, REST", [str(OWN), str(CONTENDERS / "hello_rest.py"), *rest, "--port"], first="/hello/you"),
    ]


def build_go(name: str, scratch: Path) -> Path | None:
    """Compile a contender in Go where Go, and Debian's package of gin, are installed."""
    if shutil.which("go") is None or (name == "gin" and not (GO_SOURCES / "src/github.com/gin-gonic/gin").is_dir()):
        print(f"{name} is left out: apt-get install golang-go golang-github-gin-gonic-gin-dev", file=sys.stderr)
        return None
    target = scratch / name
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GO_SOURCES),
        "GOCACHE": str(scratch / "go"),
        "GOFLAGS": "",
    }
    subprocess.run(["go", "build", "-o", str(target), "main.go"], cwd=CONTENDERS / name, env=environment, check=True)
    return target


def pinned(*, first: bool) -> list[str]:
    """Return what keeps a server on the first core and a client on the last."""
    cores = sorted(os.sched_getaffinity(0))
    if shutil.which("taskset") is None or len(cores) < 2:
        return []
    return ["taskset", "-c", str(cores[0 if first else -1])]


class Running:
    """One started contender, on the first core.

    Attributes:
        start_cpu: CPU-seconds until its first answer.
    """

    def __init__(self, contender: Contender) -> None:
        self.name = contender.name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*pinned(first=True), *contender.command, str(self.port)],
            env={**os.environ, **contender.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait(contender.first)
        self.start_cpu = self.cpu_seconds()

    def _wait(self, path: str) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                if self.answer(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n") == 200:
                    return
            except (OSError, IndexError):
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {self.process.returncode} at its start") from None
            time.sleep(0.005)
        self.stop()
        raise RuntimeError(f"{self.name} does not answer")

    def answer(self, request: str) -> int:
        """Return the status of one answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request.encode())
            return int(connection.recv(64).split()[1])

    def pids(self) -> list[int]:
        """Return the process and everything it has started."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes, ended ones included."""
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(each) for each in fields[11:15])
        return total / TICKS

    def memory(self) -> tuple[float, float]:
        """Return resident and proportional set size of all its processes, in MiB."""
        rss = pss = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name == "Rss":
                    rss += int(rest.split()[0])
                elif name == "Pss":
                    pss += int(rest.split()[0])
        return rss / 1024, pss / 1024

    def stop(self) -> None:
        """End it, by force when it does not end by itself (Robyn)."""
        pids = self.pids() if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.wait()
