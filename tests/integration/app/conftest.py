"""Services in processes of their own, and the clients that knock on them."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import httpx2
import pytest

HERE = Path(__file__).parent
QUICK = {"SVC_SHUTDOWN__DRAIN_DELAY": "0s", "SVC_HTTP__PORT": "0", "SVC_GRPC__PORT": "0", "SVC_ADMIN__PORT": "0"}


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SVC_", "HARDY_"))}
    return {**clean, "PYTHONPATH": str(HERE), "SVC_ENVIRONMENT": "dev", **QUICK, **more}


class Running:
    """A service in a process of its own; everything it wrote is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.facts: dict[str, object] = {}
        self.errors = b""

    async def read_until(self, event: str) -> dict[str, object]:
        """Read lines until one is of *event*, and return it."""
        while line := (await self.process.stdout.readline()).decode():
            self.lines.append(line.rstrip("\n"))
            if line.startswith("{") and (entry := json.loads(line))["event"] == event:
                return entry
            if line.rstrip("\n") == event:
                return {}
        raise AssertionError(f"no {event!r} in {self.lines}; {(await self.process.stderr.read()).decode()}")

    @property
    def http(self) -> str:
        return f"http://{self.facts['http']}"

    @property
    def admin(self) -> str:
        return f"http://{self.facts['admin']}"

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def end(self) -> int:
        """Wait for the exit and return its code."""
        async with asyncio.timeout(15):
            out, self.errors = await self.process.communicate()
        self.lines += out.decode().splitlines()
        return self.process.returncode

    def entry(self, event: str) -> dict[str, object]:
        """Return the last line of *event*."""
        entries = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [each for each in entries if each["event"] == event][-1]


@pytest.fixture
async def svc():
    """Start ``python -m svc`` with arguments and variables; killed at the end if it still runs."""
    started = []

    async def start(*arguments: str, wait: str = "started", module: str = "svc", cwd=None, **variables: str) -> Running:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=cwd,
            env=environment(**variables),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running = Running(process)
        started.append(process)
        if wait:
            running.facts = await running.read_until(wait)
        return running

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def web():
    async with httpx2.AsyncClient(timeout=10, verify=False, trust_env=False) as client:
        yield client
