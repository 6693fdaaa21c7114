"""Programs that are started as a reader of the documentation starts them, and ended as an orchestrator does."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 30.0


def surroundings(**variables: str) -> dict[str, str]:
    """The environment of a shell in which the virtual environment is active, without this machine's proxies."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1", **variables}


class Program:
    """A running program, and what it says line by line."""

    def __init__(self, command: Sequence[str] | str, cwd: Path, **variables: str) -> None:
        self.process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"] if isinstance(command, str) else command,
            cwd=cwd,
            env=surroundings(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._lines: Queue[tuple[str, str | None]] = Queue()
        self._listening = [threading.Thread(target=self._listen, args=(name,), daemon=True) for name in self.said]
        for thread in self._listening:
            thread.start()
        self._open = len(self.said)

    def _listen(self, name: str) -> None:
        with getattr(self.process, name) as stream:
            for line in stream:
                self._lines.put((name, line.rstrip("\n")))
        self._lines.put((name, None))

    def wait_for(self, text: str) -> str:
        """Return the next line with *text*, once it is said."""
        while self._open:
            line = self._take()
            if line is not None and text in line:
                return line
        raise AssertionError(f"the program never said {text!r}:\n{self.told()}")

    def _take(self, patience: float = PATIENCE) -> str | None:
        name, line = self._lines.get(timeout=patience)
        if line is None:
            self._open -= 1
        else:
            self.said[name].append(line)
        return line

    def started(self) -> dict[str, str]:
        """Where the service listens, from the event that it logs when it takes calls."""
        return json.loads(self.wait_for('"event":"started"'))

    def end(self, signal: int) -> int:
        """Send *signal* and return the exit code."""
        self.process.send_signal(signal)
        return self.wait()

    def wait(self, patience: float = PATIENCE) -> int:
        """Return the exit code, once everything has been said; a line may be waited for so many seconds."""
        while self._open:
            self._take(patience)
        return self.process.wait(PATIENCE)

    def told(self) -> str:
        """All that was said so far."""
        return "\n".join([*self.said["stdout"], *self.said["stderr"]])

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        for thread in self._listening:
            thread.join(PATIENCE)


@pytest.fixture
def start() -> Iterator[type[Program]]:
    """Start programs that do not outlive the test."""
    running: list[Program] = []

    def start_program(command: Sequence[str] | str, cwd: Path, **variables: str) -> Program:
        running.append(Program(command, cwd, **variables))
        return running[-1]

    yield start_program
    for program in running:
        program.kill()


@pytest.fixture
def shell(tmp_path):
    """Type one line into a shell and return what it prints; a line that fails fails the test."""

    def type_in(line: str, cwd: Path = tmp_path, **variables: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=cwd,
            env=surroundings(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    return type_in
