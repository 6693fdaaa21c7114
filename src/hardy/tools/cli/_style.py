"""How text looks: colour on a terminal, columns, JSON."""

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TextIO

_BOLD, _DIM, _RED, _YELLOW, _BLUE, _CYAN = "1", "2", "31", "33", "34", "36"

_RULES: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"^(error(?:\[H\d+\])?)(: .*)"), rf"\033[{_BOLD};{_RED}m\1\033[0;{_BOLD}m\2\033[0m"),
    (re.compile(r"^(warning(?:\[H\d+\])?)(: .*)"), rf"\033[{_BOLD};{_YELLOW}m\1\033[0;{_BOLD}m\2\033[0m"),
    (re.compile(r"^(\s+-->)"), rf"\033[{_BLUE}m\1\033[0m"),
    (re.compile(r"^(\s*\d* \|)(\s*)(\^+.*)$"), rf"\033[{_BLUE}m\1\033[0m\2\033[{_RED}m\3\033[0m"),
    (re.compile(r"^(\s*\d* \|)(?!\033)"), rf"\033[{_BLUE}m\1\033[0m"),
    (re.compile(r"^(  help:)"), rf"\033[{_CYAN}m\1\033[0m"),
    (re.compile(r"^(  note:)"), rf"\033[{_BOLD}m\1\033[0m"),
    (re.compile(r"^(  more: .*)$"), rf"\033[{_DIM}m\1\033[0m"),
)


def has_colour(stream: TextIO) -> bool:
    """Tell whether *stream* is a terminal that wants colour (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str) -> str:
    """Return a rendered diagnostic in colour."""
    return "\n".join(_paint_line(line) for line in text.split("\n"))


def _paint_line(line: str) -> str:
    for pattern, template in _RULES:
        painted = pattern.sub(template, line)
        if painted != line:
            return painted
    return line


def complain(text: str) -> None:
    """Print *text* on standard error, in colour where that is wanted."""
    print(paint(text) if has_colour(sys.stderr) else text, file=sys.stderr)


def note(text: str) -> None:
    """Print *text* on standard error, fainter than the rest."""
    print(f"\033[{_DIM}m{text}\033[0m" if has_colour(sys.stderr) else text, file=sys.stderr)


def print_json(value: object) -> None:
    """Print *value* as JSON on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print *rows* in columns on standard output."""
    every = [header, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(header))]
    for number, row in enumerate(every):
        line = "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        print(f"\033[{_DIM}m{line}\033[0m" if number == 0 and has_colour(sys.stdout) else line)
