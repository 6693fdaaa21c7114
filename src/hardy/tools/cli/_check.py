"""``hardy check``: everything that is wrong, at once, without serving."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hardy.app import described
from hardy.core import BuildFailed, Diagnostic
from hardy.tools.cli._files import made_by, routes_of
from hardy.tools.cli._options import options_of, service_argument, settings_options
from hardy.tools.cli._style import has_colour, note, paint, print_json
from hardy.tools.cli._target import Options, Target

_MARKS = {".env.example": "# The settings of", "docs/settings.md": "# Settings of", "openapi.json": ""}
"""Generated files that are compared when they are there, and how they begin."""
_KIND = {".env.example": "env-example", "docs/settings.md": "config-docs", "openapi.json": "openapi"}


@click.command("check")
@service_argument
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(*, as_json: bool, **given: object) -> int:
    """Look for everything that is wrong: imports, settings, wiring, routes, types, generated files.

    Nothing is opened or called. It ends with 1 when something was found.
    """
    found = list(dict.fromkeys(findings(options_of(given))))
    errors = sum(each.severity == "error" for each in found)
    if as_json:
        print_json({"ok": not errors, "diagnostics": [as_data(each) for each in found]})
    elif found:
        text = "\n\n".join(each.render() for each in found)
        print(paint(text) if has_colour(sys.stdout) else text)
        note(f"\n{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}")
    else:
        print("nothing is wrong")
    return 1 if errors else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def findings(options: Options) -> Iterator[Diagnostic]:
    """Yield everything that is wrong with the service, as far as each step lets the next one look."""
    try:
        target = options.target().for_development()
        target.silent = True
        yield from target.loaded.warnings
        app = target.app
    except BuildFailed as failed:
        yield from failed.diagnostics
        return
    faults = app.check()
    if sound := all(each.code == "H0620" for each in faults):
        yield from _drift(target)
    yield from (each for each in faults if not (sound and each.code == "H0620"))


def _drift(target: Target) -> Iterator[Diagnostic]:
    if described(target.app, "grpc"):
        yield from _proto_drift(target)
    for name, mark in _MARKS.items():
        path = Path(name)
        if path.is_file() and path.read_text(encoding="utf-8").startswith(mark):
            generated = made_by(_KIND[name], target)
            if generated.is_stale():
                yield generated.stale()


def _proto_drift(target: Target) -> Iterator[Diagnostic]:
    from hardy.schema import proto
    from hardy.transport import grpc

    for file in grpc.proto_files(described(target.app), comment=routes_of(target)):
        if file.path is None:
            continue
        try:
            yield from proto.generate(file.services, file.path, check=True).diagnostics()
        except BuildFailed as failed:
            yield from failed.diagnostics


def as_data(found: Diagnostic) -> dict[str, object]:
    """Return a diagnostic as plain data, for editors and other programs."""
    place = found.place
    return {
        "code": found.code,
        "severity": found.severity,
        "title": found.title,
        "file": place.file if place else None,
        "line": place.line or None if place else None,
        "column": place.text.find(place.highlight) + 1 if place and place.highlight else None,
        "label": found.label,
        "also": [{"file": each.file, "line": each.line, "label": label} for each, label in found.also],
        "body": list(found.body),
        "notes": list(found.notes),
        "help": list(found.helps),
    }
