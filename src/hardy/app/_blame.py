"""Whose line an exception is about: the user's own, however deep in a library it was raised."""

import linecache
import re
import sysconfig
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType, TracebackType

from hardy.core import Place

_HARDY = str(Path(__file__).parents[1])
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {_HARDY})
_PACKAGE = re.compile(r"(?:site|dist)-packages/(\w+)")


@dataclass(frozen=True, slots=True)
class Blame:
    """Where in the user's own code an exception comes from."""

    place: Place | None
    """The innermost line that is the user's; ``None`` when none is."""
    frames: tuple[str, ...] = ()
    """The way there: the user's lines in full, libraries folded."""


@dataclass(frozen=True, slots=True)
class _Frame:
    file: str
    line: int
    function: str
    library: str
    """The library it belongs to; empty for the user's own."""


def blame(error: BaseException) -> Blame:
    """Return the user's line that *error* is about, and the way to where it was raised.

    Example:
        >>> blame(ValueError("never raised")).place is None
        True
    """
    frames = _frames(error.__traceback__)
    own = [each for each in frames if not each.library]
    if not own:
        return Blame(None)
    last, way = own[-1], frames[frames.index(own[0]) :]
    return Blame(Place.of_line(last.file, last.line), _folded(way) if len(way) > 1 else ())


def _frames(trace: TracebackType | None) -> list[_Frame]:
    frames: list[_Frame] = []
    while trace is not None:
        frames.append(_frame(trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def _frame(frame: FrameType, line: int) -> _Frame:
    file = frame.f_code.co_filename
    return _Frame(file, line, frame.f_code.co_name, _library(file) or _compiled(file, frame))


def _library(file: str) -> str:
    if found := _PACKAGE.search(file):
        return found[1]
    if file.startswith(_HARDY):
        return "hardy"
    return "python" if file.startswith((*_LIBRARIES, "<frozen")) else ""


def _compiled(file: str, frame: FrameType) -> str:
    """Return the package of a frame that Cython made: its file is where somebody once compiled it."""
    return str(frame.f_globals.get("__name__", "?")).partition(".")[0] if file.endswith((".pyx", ".pxi")) else ""


def _folded(frames: list[_Frame]) -> tuple[str, ...]:
    lines: list[str] = []
    for is_foreign, group in groupby(frames, key=lambda each: bool(each.library)):
        run = list(group)
        if is_foreign:
            names = ", ".join(dict.fromkeys(each.library for each in run))
            lines.append(f"… {len(run)} {'frame' if len(run) == 1 else 'frames'} in {names}")
        else:
            lines += [_line(each) for each in run]
    return tuple(lines)


def _line(frame: _Frame) -> str:
    place = Place.of_line(frame.file, frame.line)
    return f"{place.location}   in {frame.function}   {linecache.getline(frame.file, frame.line).strip()}"
