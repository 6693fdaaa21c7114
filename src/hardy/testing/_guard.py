"""A program of its own: ends a server and removes its folder when whoever started them is gone.

Run as ``python -I -S _guard.py FOLDER SIGNAL`` with a pipe as standard input.
The server joins the guard's process group. The pipe ends when its other side
is closed or killed, however that happens; then everything in the group, and
what it has started since, is ended and the folder removed. It says when it
listens; before that no server may start. Standard library and no import of hardy: it starts in 20 ms.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_PATIENCE = 5.0


def family(group: int) -> list[int]:
    """Return the processes of *group* and all that descend from them, children first."""
    table = _processes()
    found = [pid for pid, (_, its_group) in table.items() if its_group == group]
    for pid in found:  # grows while it is walked
        found.extend(child for child, (parent, _) in table.items() if parent == pid and child not in found)
    return found[::-1]


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _processes() -> dict[int, tuple[int, int]]:
    """Return the parent and the group of every process that is no zombie."""
    if not Path("/proc/self/stat").exists():
        return _processes_by_ps()
    found: dict[int, tuple[int, int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent, group = (each / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
                if state != "Z":
                    found[int(each.name)] = int(parent), int(group)
    return found


def _processes_by_ps() -> dict[int, tuple[int, int]]:
    rows = subprocess.run(["/bin/ps", "-axo", "pid=,ppid=,pgid=,state="], capture_output=True, text=True, check=False)
    split = [row.split() for row in rows.stdout.splitlines()]
    return {int(pid): (int(parent), int(group)) for pid, parent, group, state in split if not state.startswith("Z")}


def _wait_for_the_end() -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # a fork of the starter may keep the pipe open after it
        if select.select([0], [], [], 1.0)[0] and not os.read(0, 64):
            return


def _others(group: int) -> list[int]:
    return [pid for pid in family(group) if pid != os.getpid()]


def _end(group: int, number: int) -> None:
    """Ask politely, then insist."""
    for each in (number, signal.SIGKILL):
        left = _others(group)
        send(left, each)
        send(left, signal.SIGCONT)  # a process that is paused hears nothing
        limit = time.monotonic() + _PATIENCE
        while left and time.monotonic() < limit:
            time.sleep(0.01)
            alive = _processes()
            left = [pid for pid in left if pid in alive]
        if not left:
            return


def main() -> None:
    """Wait, then clean up."""
    folder, number = sys.argv[1:]
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # it ends with its starter and not before
    os.write(1, b"!")
    _wait_for_the_end()
    _end(os.getpgid(0), int(number))
    limit = time.monotonic() + _PATIENCE
    while Path(folder).exists() and time.monotonic() < limit:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
