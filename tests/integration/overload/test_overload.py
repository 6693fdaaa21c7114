"""Five times more is asked of a service than it can do: it does what it can, and says no quickly to the rest."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2
import pytest

BUSY = Path(__file__).parent / "busy.py"
SETTINGS = {
    "HARDY_ENVIRONMENT": "production",
    "HARDY_HTTP__HOST": "127.0.0.1",
    "HARDY_HTTP__PORT": "0",
    "HARDY_ADMIN__HOST": "127.0.0.1",
    "HARDY_ADMIN__PORT": "0",
    "HARDY_SHUTDOWN__DRAIN_DELAY": "0s",
}
TICKS = os.sysconf("SC_CLK_TCK")


class Busy:
    """The service in a process of its own, asked from another one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: dict[str, dict[str, object]] = {}
        self.started = asyncio.Event()

    async def read(self) -> None:
        async for line in self.process.stdout:
            event = json.loads(line)
            self.events[event["event"]] = event
            if event["event"] == "started":
                self.started.set()

    @property
    def admin(self) -> str:
        return f"http://{self.events['started']['admin']}"

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    async def under(self, mode: str, amount: float, seconds: float, path: str) -> dict[str, object]:
        """Put load on it; what was answered, and the calls carried out per second of its CPU."""
        port = str(self.events["started"]["http"]).rpartition(":")[2]
        before = self.cpu()
        load = await asyncio.create_subprocess_exec(
            sys.executable, BUSY, "load", port, path, mode, str(amount), str(seconds), stdout=asyncio.subprocess.PIPE
        )
        report, _ = await load.communicate()
        result = json.loads(report)
        return result | {"per_cpu": result["goodput"] * seconds / (self.cpu() - before)}


@pytest.fixture
async def busy():
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HARDY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, BUSY, "serve", env=clean | SETTINGS, stdout=asyncio.subprocess.PIPE
    )
    service = Busy(process)
    reading = asyncio.create_task(service.read())
    async with asyncio.timeout(20):
        await service.started.wait()
    yield service
    process.terminate()
    assert await process.wait() == 0
    await reading


async def asked(busy: Busy, answers: list[tuple[int, float]]) -> None:
    """Ask the probes until cancelled; note what processor time the service spent meanwhile."""
    async with httpx2.AsyncClient(base_url=busy.admin, trust_env=False, verify=False) as probe:
        while True:
            for path in ("/livez", "/readyz"):
                before = busy.cpu()
                answers.append(((await probe.get(path)).status_code, busy.cpu() - before))
            await asyncio.sleep(0.05)


async def five_times_too_much(busy: Busy, path: str, seconds: float) -> None:
    await busy.under("closed", 4, 0.5, path)
    peak = await busy.under("closed", 4, seconds, path)
    assert (peak["shed"], peak["other"]) == (0.0, [])
    answers: list[tuple[int, float]] = []
    before = busy.cpu()
    probing = asyncio.create_task(asked(busy, answers))
    crowd = await busy.under("open", 5 * peak["goodput"], seconds, path)
    clients = await busy.under("closed", 60, seconds, path)
    spent = busy.cpu() - before
    probing.cancel()
    for load in (crowd, clients):
        assert load["other"] == [], load
        assert load["unhinted"] == 0  # each refusal says when to come back
        # Of the service's own CPU time, so that it holds beside whatever else the machine does.
        assert load["per_cpu"] >= 0.9 * peak["per_cpu"], (load, peak)
    assert crowd["shed"] > crowd["goodput"]
    # Who is answered was not kept waiting behind many others: two each where nothing else runs, and a hundred
    # where all 120 connections of the crowd are queued.
    assert crowd["good_behind"] < 20, crowd
    assert crowd["refused_behind"] < 20, crowd
    # Neither are the probes, of all that the service did; how long it had to wait for a CPU is not its own doing.
    assert len(answers) > 5 * spent
    assert {status for status, _ in answers} == {200}
    assert sorted(took for _, took in answers)[len(answers) // 2] < 0.1


async def test_overload_is_shed_and_what_can_be_done_is_done(busy):
    await five_times_too_much(busy, "/work", 1.5)
    assert "overloaded: calls are refused until the event loop keeps up" in busy.events


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", ["/work", "/steps"])
async def test_a_minute_of_overload_is_shed_and_what_can_be_done_is_done(busy, path):
    await five_times_too_much(busy, path, 60)
    assert "overloaded: calls are refused until the event loop keeps up" in busy.events
