"""Who holds a port that a service wants: told by name, so that nobody has to look for it."""

import os
from dataclasses import dataclass
from pathlib import Path

from hardy.core import Diagnostic

_PROC = Path("/proc")
_LISTEN = "0A"
_PORTS = 65536


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on a port."""

    pid: int
    command: str
    directory: str
    minutes: int


def port_in_use(port: int, *, flag: str, variable: str) -> Diagnostic:
    """Return the diagnostic for a port that another process listens on.

    Args:
        flag: The flag that sets the port.
        variable: The variable that sets it for good.
    """
    holder = holder_of(port)
    own = _free_near(port)
    helps = [f"take the next free port now      {flag} 0", f"give this service its own port   {variable}={own}"]
    if holder is None:
        held = "held by   a process you may not inspect"
    else:
        held = f"held by   pid {holder.pid}   {holder.command}   {holder.directory}   since {holder.minutes} min"
        helps.append(f"stop the other one               kill {holder.pid}")
    return Diagnostic(code="H0301", title=f"port {port} is already in use", body=(held, ""), helps=tuple(helps))


def path_in_use(path: str, variable: str) -> Diagnostic:
    """Return the diagnostic for a path on which another process listens."""
    return Diagnostic(
        code="H0301",
        title=f"another process listens on {path}",
        helps=(f"give this service its own path   {variable}={path}.2", f"see who holds it   fuser {path}"),
    )


def not_permitted(error: OSError) -> Diagnostic:
    """Return the diagnostic for an address that cannot be listened on for another reason than its holder."""
    return Diagnostic(
        code="H0302",
        title=f"an address cannot be listened on: {error.strerror or error}",
        notes=("a port below 1024 needs a privilege, a host must be an address of this machine",),
        helps=("see which addresses are asked for with: hardy show config",),
    )


def holder_of(port: int) -> Holder | None:
    """Return the process that listens on TCP *port*; ``None`` where it cannot be seen."""
    inodes = _listening(port)
    if not inodes:
        return None
    for process in _PROC.iterdir():
        if process.name.isdigit() and _owns(process, inodes):
            return _describe(process)
    return None


def _free_near(port: int) -> int:
    """Return a port on which nobody listens; not the next one, which the service's other door often has."""
    above = range(port + 2, min(port + 100, _PORTS))
    below = range(port - 2, max(port - 100, 1023), -1)
    return next((each for each in (*above, *below) if not _listening(each)), 0)


def _listening(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in (line.split() for line in lines):
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{columns[9]}]")
    return found


def _owns(process: Path, inodes: set[str]) -> bool:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return False  # another user's process, or one that has just ended
    return any(_target(each) in inodes for each in descriptors)


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return ""


def _describe(process: Path) -> Holder | None:
    try:
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        command = " ".join(command.split())
        directory = str((process / "cwd").readlink())
        minutes = int(_age(process) / 60)
    except (OSError, ValueError, IndexError):  # it has just ended, or is not ours to look into
        return None
    home = str(Path.home())
    if home != "/" and f"{directory}/".startswith(f"{home}/"):
        directory = f"~{directory.removeprefix(home)}"
    return Holder(int(process.name), command[:80], directory, minutes)


def _age(process: Path) -> float:
    """Return for how many seconds *process* has been running, as proc(5) counts."""
    after_name = (process / "stat").read_text().rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    uptime = float((_PROC / "uptime").read_text().split()[0])
    return max(0.0, uptime - started)
