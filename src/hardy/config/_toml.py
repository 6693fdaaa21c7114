"""Settings from a TOML file: top-level keys are settings, tables are sections."""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path as File
from typing import cast

from hardy.config._layer import Layer
from hardy.config._raw import Raw
from hardy.config._tree import Path, Section, Setting
from hardy.core import Diagnostic, Place

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def read_toml(file: File, tree: Section, *, required: bool) -> Layer:
    """Return what *file* sets. A file that is not there is a fault only when it was *required*."""
    name = str(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        layer = Layer(name=f"{name} (absent)")
        if required:
            layer.faults.append(_unreadable(Place(name), f"{name} does not exist", "leave out `--config`"))
        return layer
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        layer = Layer(name=name)
        layer.faults.append(_unreadable(Place(name), f"{name} cannot be read: {reason}", f"chmod u+r {name}"))
        return layer
    return _Reader(name, text).read(tree)


def _unreadable(place: Place, title: str, remedy: str) -> Diagnostic:
    return Diagnostic(code="H0207", title=title, place=place, helps=(remedy,))


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.layer = Layer(name=name)

    def read(self, tree: Section) -> Layer:
        try:
            table = tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            reason, _, position = str(error).partition(" (at line ")
            line = int(re.match(r"\d*", position)[0] or 0)  # type: ignore[index]  # \d* matches everywhere
            place = Place(self.name, line)
            reason = reason[:1].lower() + reason[1:]
            self.layer.faults.append(
                _unreadable(place, f"{self.name} is not TOML: {reason}", f"vi +{line} {self.name}")
            )
            return self.layer
        self._section(tree, table)
        return self.layer

    def _section(self, section: Section, table: Mapping[str, object]) -> None:
        children = {child.path[-1]: child for child in section.children}
        for key, value in table.items():
            path = (*section.path, key)
            child = children.get(key)
            if child is None:
                self._unknown(path, list(children))
            elif isinstance(child, Setting):
                self.layer.found[path] = self._raw(path, value)
            elif isinstance(value, dict):
                self._section(child, cast("dict[str, object]", value))
            else:
                self._no_table(path, value)

    def _raw(self, path: Path, value: object) -> Raw:
        return Raw(value=value, file=self.name, key=path[-1], line=line_of(self.text, path), form="table")

    def _unknown(self, path: Path, known: list[str]) -> None:
        nearest = get_close_matches(path[-1].lower().replace("-", "_"), known, n=1)
        remedy = f"rename it to `{nearest[0]}`" if nearest else "delete the line"
        self.layer.faults.append(
            Diagnostic(
                code="H0203",
                title=f"{self.name} sets `{'.'.join(path)}`, which no setting reads",
                place=self._raw(path, None).key_place(),
                label="unknown key",
                helps=(remedy, "hardy show config"),
            )
        )

    def _no_table(self, path: Path, value: object) -> None:
        self.layer.faults.append(
            Diagnostic(
                code="H0202",
                title=f"`{'.'.join(path)}` must be a table",
                place=self._raw(path, value).key_place(),
                label="not a table",
                helps=(f"write it as a table: [{'.'.join(path)}]",),
            )
        )


def line_of(text: str, path: Path) -> int:
    r"""Return the line that sets *path*, or the nearest line around it; tomllib does not tell.

    Example:
        >>> line_of("[http]\nport = 1\n", ("http", "port"))
        2
    """
    best, found = 0, 0
    table: Path = ()
    quoted = ""
    for number, line in enumerate(text.splitlines(), 1):
        if quoted:
            quoted = "" if quoted in line else quoted
            continue
        here: Path | None = None
        if match := _HEADER.fullmatch(line):
            here = table = _parts(match[1])
        elif match := _KEY.match(line):
            here = (*table, *_parts(match[1]))
        if here is not None and here == path[: len(here)] and len(here) > best:
            best, found = len(here), number
        quoted = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return found


def _parts(key: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(key))
