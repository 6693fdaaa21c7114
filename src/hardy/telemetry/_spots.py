"""Lines of code that a thread is at, and which of them is to blame."""

import linecache
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_RUNNERS = {
    ("asyncio.base_events", "run_forever"),
    ("asyncio.base_events", "run_until_complete"),
    ("asyncio.base_events", "_run_once"),
    ("asyncio.events", "_run"),
    ("asyncio.runners", "run"),
}
"""What turns a loop: what lies further in is what the loop runs."""
_HOSTS = frozenset({"hardy", "grpc", "uvloop", "uvicorn", "hypercorn", "granian", "gunicorn", "anyio", "pytest"})
"""What runs a user's code."""
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of code."""

    file: str
    line: int
    function: str
    module: str

    @property
    def code(self) -> str:
        """The line as written; empty where the source is not at hand."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def place(self) -> str:
        """File and line, the file from the working directory on when it lies there."""
        path = Path(self.file)
        with suppress(ValueError, OSError):
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"

    @property
    def package(self) -> str:
        """The top-level package it belongs to."""
        return self.module.partition(".")[0]


def spots_of(frame: FrameType) -> tuple[Spot, ...]:
    """Return where *frame* and those that called it are, up to what turns the event loop; the outermost first."""
    spots: list[Spot] = []
    at: FrameType | None = frame
    while at is not None and len(spots) < _DEEPEST:
        module = str(at.f_globals.get("__name__", ""))
        if (module, at.f_code.co_name) in _RUNNERS:
            return tuple(reversed(spots))
        spots.append(Spot(at.f_code.co_filename, at.f_lineno, at.f_code.co_name, module))
        at = at.f_back
    return tuple(reversed(spots))


def culprit(stack: tuple[Spot, ...]) -> tuple[Spot, ...]:
    """Return the user's line that the code in *stack* is at, and the user's line before it.

    Whose code it is cannot be told by where it lies: a service may be installed
    beside its libraries. What hardy calls is the user's, and what belongs to
    the same package as that; the innermost such line made the call that blocks.
    """
    segment: list[Spot] = []
    for each in reversed(stack):
        if each.package in _HOSTS:
            if segment:
                break
        elif each.package not in sys.stdlib_module_names:
            segment.append(each)
    if not segment:
        return stack[-1:]
    return tuple(each for each in segment if each.package == segment[-1].package)[:2]
