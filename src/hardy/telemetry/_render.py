"""From an event and its facts to the bytes of one line."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import cast

import msgspec

Renderer = Callable[[dict[str, object], str | None], bytes]
"""Takes what is on the line, time, level and event first, and the traceback; returns it without its end."""

_encode = msgspec.json.Encoder().encode

# JSON escapes what is below U+0020 by itself. These are legal in it, yet some
# readers end a line at them or let them steer a terminal.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


def render_json(facts: dict[str, object], traceback: str | None) -> bytes:
    """Render a line of JSON."""
    if traceback is not None:
        facts["exception"] = traceback
    try:
        line = _encode(facts)
    except (UnicodeError, ValueError, TypeError, OverflowError, RecursionError):
        line = _encode({_readable(name): _readable(value) for name, value in facts.items()})
    if not line.isascii() or b"\x7f" in line:
        line = _UNSAFE.sub(_escape, line.decode()).encode()
    return line


def _readable(value: object) -> str:
    """Text that every encoder takes, of a fact that this one did not."""
    try:
        text = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # an integer of more digits than Python prints
        text = f"<{type(value).__name__}>"
    return text.encode("utf-8", "backslashreplace").decode()


def _escape(found: "re.Match[str]") -> str:
    return f"\\u{ord(found[0]):04x}"


_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN = "\x1b[0m"


def console(*, colours: bool) -> Renderer:
    """Make the renderer for a person at a terminal: the time of day, the traceback below the line."""

    def render(facts: dict[str, object], traceback: str | None) -> bytes:
        level = cast("str", facts.pop("level"))
        moment = cast("datetime", facts.pop("time")).astimezone()
        event = _printable(_readable(facts.pop("event")))
        pairs = " ".join(f"{_printable(name)}={_shown(value)}" for name, value in facts.items())
        word = f"{level:<7}"
        if colours:
            word = f"{_COLOURS.get(level, '')}{word}{_PLAIN}"
        line = f"{moment:%H:%M:%S} {word} {event:<24} {pairs}".rstrip()
        for row in traceback.split("\n") if traceback else ():
            line += f"\n    {_printable(row)}"
        return line.encode("utf-8", "backslashreplace")

    return render


def _shown(value: object) -> str:
    text = _readable(value)
    return _printable(repr(text) if isinstance(value, str) and (not text or " " in text) else text)


def _printable(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub(_escape, text)
