"""One measurement: a load on a running contender, and what it cost there."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from servers import HERE, Contender, Running, pinned
from workloads import INVALID, Workload

CONNECTIONS = 64


@dataclass
class Figures:
    """What one contender achieved at one workload, round by round."""

    per_cpu_second: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@dataclass
class Latency:
    """Latencies in milliseconds at half of a contender's own saturation, round by round."""

    rate: float
    rounds: list[list[float]] = field(default_factory=list)
    """Percentiles 50, 90, 99, 99.9 of each."""


@dataclass
class Size:
    """What a contender needs to be there."""

    rss: float
    pss: float
    start_cpu: float


def probe() -> float:
    """Return how fast this machine is right now, in million steps of a loop per CPU-second."""
    begun = time.process_time()
    for _ in range(1_000_000):
        pass
    return 1 / (time.process_time() - begun)


def check(contender: Contender, running: Running, workloads: list[Workload]) -> None:
    """Refuse to time a contender that does not do the work."""
    for each in workloads:
        if (answered := running.answer(each.request)) != each.status:
            raise RuntimeError(f"{contender.name} answers {answered} to {each.name}, not {each.status}")
    if (answered := running.answer(INVALID)) != 422:
        raise RuntimeError(f"{contender.name} answers {answered} to an invalid body, not 422")


def measure(running: Running, workload: Workload, seconds: float, figures: Figures, scratch: Path) -> None:
    """Load *running* and note what it achieved."""
    load(running.port, workload, min(0.4, seconds / 3), scratch)
    before = running.cpu_seconds()
    counted, wrong, took = load(running.port, workload, seconds, scratch)
    used = running.cpu_seconds() - before
    if wrong or not counted:
        raise RuntimeError(f"{running.name} gave {wrong} wrong answers of {counted} to {workload.name}")
    figures.per_cpu_second.append(counted / used)
    figures.wall.append(counted / took)


def load(port: int, workload: Workload, seconds: float, scratch: Path) -> tuple[int, int, float]:
    """Return units of work, wrong answers and seconds."""
    if workload.mode == "keep" and shutil.which("wrk") and seconds >= 1:
        return with_wrk(port, workload, seconds, scratch)
    command = [*pinned(first=False), sys.executable, str(HERE / "load.py"), str(port), str(workload.status)]
    command += [str(seconds), str(CONNECTIONS), workload.mode]
    output = subprocess.run(
        command, input=workload.request.encode(), capture_output=True, check=True, timeout=seconds + 30
    )
    counted, wrong, took = output.stdout.split()
    return int(counted), int(wrong), float(took)


def with_wrk(port: int, workload: Workload, seconds: float, scratch: Path) -> tuple[int, int, float]:
    """Let wrk do it: it costs the other core less than Python does."""
    head, _, body = workload.request.partition("\r\n\r\n")
    method, path, _ = head.split(" ", 2)
    script = scratch / "wrk.lua"
    lines = [f'wrk.method = "{method}"', f"wrk.body = [[{body}]]"]
    if body:
        lines.append('wrk.headers["Content-Type"] = "application/json"')
    lines.append(
        "done = function(s) io.stderr:write(string.format('%d %d %f', s.requests, "
        "s.errors.status + s.errors.read + s.errors.timeout, s.duration / 1e6)) end"
    )
    script.write_text("\n".join(lines))
    url = f"http://127.0.0.1:{port}{path}"
    duration = f"-d{max(1, round(seconds))}s"
    command = [*pinned(first=False), "wrk", "-t1", f"-c{CONNECTIONS}", duration, "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    counted, wrong, took = output.stderr.split()
    return int(counted), int(wrong), float(took)


def paced(running: Running, workload: Workload, latency: Latency, seconds: float) -> None:
    """Ask *running* at the pace of *latency* and note the percentiles."""
    command = [*pinned(first=False), sys.executable, str(HERE / "paced.py"), str(running.port)]
    command += [str(latency.rate), str(seconds)]
    output = subprocess.run(
        command, input=workload.request.encode(), capture_output=True, check=True, timeout=seconds + 30
    )
    latency.rounds.append([float(each) for each in output.stdout.split()])


def size(contender: Contender) -> Size:
    """Start *contender*, ask it once, and see what it has cost; the least of three starts."""
    found: list[Size] = []
    for _ in range(3):
        running = Running(contender)
        try:
            time.sleep(0.5)
            rss, pss = running.memory()
            found.append(Size(rss, pss, running.start_cpu))
        finally:
            running.stop()
    return min(found, key=lambda each: each.start_cpu)
