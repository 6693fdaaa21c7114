"""Compares hardy with its peers in one run and prints ratios: ``make bench``.

One server process on core 0, the load on core 1, 64 keep-alive connections on
loopback. The primary figure is requests per CPU-second of the server (what one
full core would serve), because wall time on a shared machine says more about
its neighbours. Contenders alternate within a round, so a slow minute hits all
of them; the medians of the rounds are compared. Differences below 15 % are no
finding.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTENDERS = HERE / "contenders"
BODY = json.dumps(
    {
        "sku": "ABC-12345",
        "name": "Adjustable widget",
        "price": 19.99,
        "quantity": 42,
        "in_stock": True,
        "category": "tools",
    },
    separators=(",", ":"),
)
HEAD = "host: 127.0.0.1\r\naccept: */*\r\n"
WORKLOADS = {
    "plaintext": (f"GET /plaintext HTTP/1.1\r\n{HEAD}\r\n", "200"),
    "json": (f"GET /items/7 HTTP/1.1\r\n{HEAD}\r\n", "200"),
    "validated post": (
        f"POST /items HTTP/1.1\r\n{HEAD}content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}",
        "201",
    ),
}
INVALID = (
    WORKLOADS["validated post"][0]
    .replace('"quantity":42', '"quantity":-2')
    .replace(f"content-length: {len(BODY)}", f"content-length: {len(BODY)}")
)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """One server, how it is started, and what it achieved."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    per_cpu_second: dict[str, list[float]] = field(default_factory=dict)
    wall: dict[str, list[float]] = field(default_factory=dict)


def contenders(scratch: Path) -> list[Contender]:
    """Return everybody who is here."""
    found = [
        Contender(name, [sys.executable, str(CONTENDERS / f"{name}_app.py")])
        for name in ("hardy", "fastapi", "starlette")
    ]
    if (gin := build_gin(scratch)) is not None:
        found.append(Contender("gin", [str(gin)], {"GOMAXPROCS": "1"}))
    return found


def build_gin(scratch: Path) -> Path | None:
    """Compile gin where Go and Debian's package of it are installed."""
    sources = Path("/usr/share/gocode")
    if shutil.which("go") is None or not (sources / "src/github.com/gin-gonic/gin").is_dir():
        print("gin is left out: apt-get install golang-go golang-github-gin-gonic-gin-dev", file=sys.stderr)
        return None
    target = scratch / "gin"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(sources),
        "GOCACHE": str(scratch / "go"),
        "GOFLAGS": "",
    }
    subprocess.run(["go", "build", "-o", str(target), "main.go"], cwd=CONTENDERS / "gin", env=environment, check=True)
    return target


class Running:
    """One started contender."""

    def __init__(self, contender: Contender) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*contender.command, str(self.port)],
            env={**os.environ, **contender.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.sched_setaffinity(self.process.pid, {0})
        self._wait(contender.name)

    def _wait(self, name: str) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {self.process.returncode} before it listened") from None
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"{name} does not listen")

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def answer(self, request: str) -> int:
        """Return the status of one answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request.encode())
            return int(connection.recv(64).split()[1])

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def check(contender: Contender, running: Running) -> None:
    """Refuse to time a contender that does not do the work."""
    for name, (request, status) in WORKLOADS.items():
        if (answered := running.answer(request)) != int(status):
            raise RuntimeError(f"{contender.name} answers {answered} to {name}, not {status}")
    if (answered := running.answer(INVALID)) != 422:
        raise RuntimeError(f"{contender.name} answers {answered} to an invalid body, not 422")


def measure(contender: Contender, running: Running, workload: str, seconds: float, scratch: Path) -> None:
    """Load *running* with one workload and note what it achieved."""
    request, status = WORKLOADS[workload]
    load(running.port, request, status, 0.5, scratch)
    before = running.cpu_seconds()
    answers, wrong, took = load(running.port, request, status, seconds, scratch)
    used = running.cpu_seconds() - before
    if wrong:
        raise RuntimeError(f"{contender.name} gave {wrong} wrong answers to {workload}")
    contender.per_cpu_second.setdefault(workload, []).append(answers / used)
    contender.wall.setdefault(workload, []).append(answers / took)


def load(port: int, request: str, status: str, seconds: float, scratch: Path) -> tuple[int, int, float]:
    """Return answers, wrong answers and seconds."""
    core = ["taskset", "-c", "1"] if shutil.which("taskset") else []
    if shutil.which("wrk"):
        return with_wrk(core, port, request, seconds, scratch)
    command = [*core, sys.executable, str(HERE / "load.py"), str(port), status, str(seconds), "64"]
    output = subprocess.run(command, input=request.encode(), capture_output=True, check=True, timeout=seconds + 30)
    answers, wrong, took = output.stdout.split()
    return int(answers), int(wrong), float(took)


def with_wrk(core: list[str], port: int, request: str, seconds: float, scratch: Path) -> tuple[int, int, float]:
    """Let wrk do it: it costs the other core less than Python does."""
    head, _, body = request.partition("\r\n\r\n")
    method, path, _ = head.split(" ", 2)
    script = scratch / "wrk.lua"
    lines = [f"wrk.method = {json.dumps(method)}", f"wrk.body = {json.dumps(body)}"]
    if body:
        lines.append('wrk.headers["Content-Type"] = "application/json"')
    lines.append(
        "done = function(s) io.stderr:write(string.format('%d %d %f', s.requests, "
        "s.errors.status + s.errors.read + s.errors.timeout, s.duration / 1e6)) end"
    )
    script.write_text("\n".join(lines))
    url = f"http://127.0.0.1:{port}{path}"
    command = [*core, "wrk", "-t1", "-c64", f"-d{max(1, round(seconds))}s", "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    answers, wrong, took = output.stderr.split()
    return int(answers), int(wrong), float(took)


def report(found: list[Contender]) -> None:
    """Print the medians and their ratios."""
    peers = [each for each in found if each.name != "hardy"]
    for workload in WORKLOADS:
        print(f"\n{workload}")
        print(f"  {'':12}{'per CPU-second':>16}{'wall/s':>10}   ratio of per CPU-second to")
        medians = {each.name: statistics.median(each.per_cpu_second[workload]) for each in found}
        for each in found:
            wall = statistics.median(each.wall[workload])
            ratios = "  ".join(f"{peer.name} {medians[each.name] / medians[peer.name]:.2f}" for peer in peers)
            print(f"  {each.name:12}{medians[each.name]:>16,.0f}{wall:>10,.0f}   {ratios}")


def main() -> None:
    """Measure everybody and print the ratios; fail when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        found = contenders(scratch)
        print(
            f"load by {'wrk' if shutil.which('wrk') else 'load.py'}, {options.rounds} rounds of {options.seconds:g} s"
        )
        for _ in range(options.rounds):
            for each in found:
                running = Running(each)
                try:
                    check(each, running)
                    for workload in WORKLOADS:
                        measure(each, running, workload, options.seconds, scratch)
                finally:
                    running.stop()
    report(found)
    medians = {each.name: statistics.median(each.per_cpu_second["validated post"]) for each in found}
    ratio = medians["hardy"] / medians["fastapi"]
    print(f"\nvalidated post: {ratio:.1f} x FastAPI (the bar is 3)")
    if ratio < 3:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
