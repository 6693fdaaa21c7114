"""A logger with its own settings: an immutable context, and one function that renders a line."""

import os
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from hardy.core import Logger
from hardy.telemetry._facts import bounded, clean
from hardy.telemetry._prepared import Ended, PreparedLines
from hardy.telemetry._render import Renderer, console, render_json
from hardy.telemetry._traceback import traceback_text
from hardy.telemetry._write import Writer, is_terminal

Level = Literal["debug", "info", "warning", "error"]
"""Lines below it are not written."""
Format = Literal["auto", "json", "console"]
"""``auto`` is console on a terminal and JSON elsewhere."""

_LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_OWN = frozenset({"time", "level", "event"})


class BoundLogger:
    """What `make_logger` returns; fulfils `hardy.core.Logger`.

    It has structlog's manners (events with facts, an immutable context) and
    none of its parts: an access line is written at every call, and importing
    them costs more memory than the rest of the engine.
    """

    __slots__ = ("_context", "_writer")

    def __init__(self, writer: Writer, context: dict[str, object]) -> None:
        self._writer = writer
        self._context = context

    def _write(self, level: str, event: str, facts: dict[str, object]) -> None:
        if not _OWN.isdisjoint(facts):
            facts = _renamed(facts)
        traceback = traceback_text(facts.pop("exc_info")) if "exc_info" in facts else None
        line: dict[str, object] = {"time": datetime.now(UTC), "level": level, "event": bounded(event)}
        line.update(self._context)
        line.update(clean(facts))
        self._writer(line, traceback)

    def debug(self, event: str, /, **facts: object) -> None:
        self._write("debug", event, facts)

    def info(self, event: str, /, **facts: object) -> None:
        self._write("info", event, facts)

    def warning(self, event: str, /, **facts: object) -> None:
        self._write("warning", event, facts)

    def error(self, event: str, /, **facts: object) -> None:
        self._write("error", event, facts)

    def exception(self, event: str, /, **facts: object) -> None:
        facts.setdefault("exc_info", True)
        self._write("error", event, facts)

    def bind(self, **facts: object) -> "BoundLogger":
        return type(self)(self._writer, {**self._context, **clean(_renamed(facts))})

    def prepared(self, level: Level, event: str, **facts: object) -> Ended:
        """Prepare lines that begin with *facts*."""
        if getattr(type(self), level) is _silent:
            return _nothing
        line = {"level": level, "event": bounded(event), **self._context, **clean(facts)}
        return PreparedLines(line, self._writer.render, self._writer.put)


def _renamed(facts: dict[str, object]) -> dict[str, object]:
    """A fact may not pass for what the logger says itself: ``level=`` becomes ``level_``."""
    return {f"{name}_" if name in _OWN else name: value for name, value in facts.items()}


def _silent(self: object, event: str, /, **facts: object) -> None:
    """Do nothing: the level is below what is asked for."""


def _nothing(at: float, ms: float, call: str, principal: str | None, peer: str) -> None:
    """Do nothing, as well."""


def _class_for(level: Level) -> type[BoundLogger]:
    members: dict[str, object] = {"__slots__": ()}
    members |= dict.fromkeys(_LEVELS[: _LEVELS.index(level)], _silent)
    return type("BoundLogger", (BoundLogger,), members)


def make_logger(
    *,
    level: Level = "info",
    format: Format = "auto",
    stream: TextIO | None = None,
    **facts: object,
) -> Logger:
    """Make a logger that writes each event as one line, at the latest at the end of the loop's turn.

    It is independent of every other: nothing is configured for the process.
    Facts named ``time``, ``level`` or ``event`` get a trailing underscore, for
    these are the logger's own; values under names like ``password`` or
    ``token`` are redacted at any depth, and so are passwords in URLs, bearer
    tokens and JWTs in any text. ``exc_info=error`` adds a traceback.

    Args:
        level: Lines below it are not written.
        format: ``auto`` is console on a terminal and JSON elsewhere.
        stream: Standard output when none is given. A line that cannot be
            written is dropped: logging never fails a call.
        facts: Stand on every line.

    Example:
        >>> make_logger(format="json").bind(call="c1").warning("slow", seconds=2.5)
        {"time":"...","level":"warning","event":"slow","call":"c1","seconds":2.5}
    """
    target = sys.stdout if stream is None else stream
    render: Renderer
    if format == "console" or (format == "auto" and is_terminal(target)):
        render = console(colours=is_terminal(target) and not os.environ.get("NO_COLOR"))
    else:
        render = render_json
    return _class_for(level)(Writer(target, render), clean(_renamed(facts)))
