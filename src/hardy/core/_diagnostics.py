"""What is wrong with a service before it runs: found at build, all at once, by name."""

import inspect
import linecache
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast


@dataclass(frozen=True, slots=True)
class Place:
    """A position in source or in a configuration file.

    Example:
        >>> Place("orders/app.py", 12).location
        'orders/app.py:12'
    """

    file: str
    line: int = 0
    """1-based; 0 when only the file is known."""
    text: str = ""
    """The line itself, as written."""
    highlight: str = ""
    """The part of *text* that is at fault; the whole line when empty."""

    @property
    def location(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @classmethod
    def of(cls, thing: object, *, highlight: str = "") -> "Place | None":
        """Find where a function or class is written; ``None`` for what has no source.

        Args:
            thing: A function, class or method.
            highlight: The first line of *thing* that contains this is pointed at.
        """
        # Any object may be asked for; the TypeError says which have no source.
        unwrapped = cast("type", inspect.unwrap(thing) if callable(thing) else thing)
        try:
            lines, first = inspect.getsourcelines(unwrapped)
            file = inspect.getsourcefile(unwrapped) or "?"
        except (OSError, TypeError):
            return None
        if file == "<string>":
            return None  # the source of `python -c`, which is not where a function that was made by exec is written
        offset = _line_of(lines, highlight)
        return cls(_relative(file), first + offset, lines[offset].rstrip(), highlight)

    @classmethod
    def of_line(cls, file: str, line: int, *, highlight: str = "") -> "Place":
        """Point at a *line* of a *file*, reading its text when the file can be read."""
        return cls(_relative(file), line, linecache.getline(file, line).rstrip(), highlight)


def _line_of(lines: Sequence[str], highlight: str) -> int:
    if highlight:
        for number, line in enumerate(lines):
            if _find(line, highlight) is not None:
                return number
    starts = (n for n, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def ", "class ")))
    return next(starts, 0)


def _find(text: str, highlight: str) -> int | None:
    """Find *highlight* as a whole word, not in ``place_order`` nor in ``def order(order)`` as the function's name."""
    begin = r"(?<!\w)(?<!def )" if highlight[:1].isidentifier() else ""
    end = r"(?!\w)" if highlight[-1:].isidentifier() else ""
    found = re.search(f"{begin}{re.escape(highlight)}{end}", text)
    return found.start() if found else None


def _relative(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One fault of a service, with the place and the remedy.

    ``hardy explain CODE`` prints the long form of *code*.

    Example:
        >>> print(Diagnostic(code="H0701", title="nothing provides `Prices`", helps=("app.provide(prices)",)).render())
        error[H0701]: nothing provides `Prices`
          help: app.provide(prices)
          more: hardy explain H0701
    """

    code: str
    title: str
    place: Place | None = None
    label: str = ""
    """What is written under the highlighted part of the place's line."""
    also: tuple[tuple[Place, str], ...] = ()
    """Further places of the same fault, each with its label, drawn in the same frame below *place*."""
    body: tuple[str, ...] = ()
    """Lines shown as they are, between the place and the notes."""
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = "error"

    def render(self) -> str:
        """Return the diagnostic as text, without colour and without a final newline."""
        lines = [f"{self.severity}[{self.code}]: {self.title}"]
        if self.place is not None:
            lines += _frame(((self.place, self.label), *self.also))
        lines += [f"  {line}" if line else "" for line in self.body]
        lines += [_hanging("note", note) for note in self.notes]
        lines += [_hanging("help", text) for text in self.helps]
        lines.append(f"  more: hardy explain {self.code}")
        return "\n".join(lines)


def _frame(spots: Sequence[tuple[Place, str]]) -> list[str]:
    """Draw each place with its label below it; a file is named when it changes."""
    gutter = " " * max(1, *(len(_number(place)) for place, _ in spots))
    lines: list[str] = []
    for index, (place, label) in enumerate(spots):
        if index == 0 or place.file != spots[index - 1][0].file:
            lines.append(f"  --> {place.location}")
            lines += [f"{gutter} |"] if place.text else []
        if place.text:
            column = _indent(place.text) if not place.highlight else _find(place.text, place.highlight) or 0
            width = len(place.highlight or place.text.strip())
            lines.append(f"{_number(place):>{len(gutter)}} | {place.text}")
            lines.append(f"{gutter} | {' ' * column}{'^' * width} {label}".rstrip())
    return lines


def _number(place: Place) -> str:
    return str(place.line) if place.line and place.text else ""


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _hanging(word: str, text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([f"  {word}: {first}", *(f"        {line}" for line in rest)])


EXIT_CODES = {"H01": 7, "H02": 3, "H03": 4, "H04": 5, "H05": 6, "H06": 7, "H07": 7, "H08": 7}
"""The process's exit code for each family of diagnostics."""


class BuildFailed(Exception):
    """The service cannot be built; every fault found is in *diagnostics*.

    Example:
        >>> BuildFailed([Diagnostic(code="H0201", title="1 setting has no value")]).exit_code
        3
    """

    diagnostics: tuple[Diagnostic, ...]

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(each.render() for each in self.diagnostics))

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends because of this."""
        return EXIT_CODES.get(self.diagnostics[0].code[:3], 7) if self.diagnostics else 7
