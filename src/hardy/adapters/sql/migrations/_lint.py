"""What speaks against a migration on PostgreSQL: locks that stop the service, changes that old code breaks on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from hardy.adapters.sql.migrations._history import way_up
from hardy.adapters.sql.migrations._migration import Migration
from hardy.adapters.sql.migrations._places import at
from hardy.core import Diagnostic, Place

_OURS = ("require-lock-timeout", "require-statement-timeout")
"""Rules that hardy keeps for every migration: it sets a lock timeout, and tries again."""


def lint(migrations: Iterable[Migration]) -> Sequence[Diagnostic]:
    """Return what squawk finds in what *migrations* do on PostgreSQL; Python revisions are not looked at.

    Raises:
        ImportError: squawk is not installed.
    """
    program = _squawk()
    return tuple(found for each in migrations if each.up for found in _lint(program, each))


def _squawk() -> str:
    beside = Path(sys.executable).with_name("squawk")  # where a virtual environment that is not entered has it
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    if found is None:
        raise ImportError("hardy db lint needs squawk-cli. Install it with: pip install 'hardy[dev]'")
    return found


def _lint(program: str, migration: Migration) -> Sequence[Diagnostic]:
    source = migration.source if migration.path else f"{migration.name}.sql"
    mode = ["--assume-in-transaction"] if migration.atomic else ["--no-assume-in-transaction"]
    done = subprocess.run(  # noqa: S603  # a program of the environment, and no shell
        [program, "--reporter", "json", "--stdin-filepath", source, *mode, "--exclude", ",".join(_OURS)],
        input=_script(migration),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        findings = cast("list[dict[str, object]]", json.loads(done.stdout))
    except ValueError:
        raise RuntimeError(f"squawk failed: {done.stderr.strip() or done.stdout.strip()}") from None
    return [_finding(migration, each) for each in findings]


def _script(migration: Migration) -> str:
    """Return the way up as it is written, comments included: they may say what is to be ignored."""
    if migration.path is not None:
        return way_up(migration.path.read_text(encoding="utf-8"))
    return "".join(f"{each.text};\n" for each in migration.up)


def _finding(migration: Migration, found: dict[str, object]) -> Diagnostic:
    line = int(str(found["line"])) + 1
    place = Place(migration.name, line) if migration.path is None else at(migration.path, line)
    rule, remedy = str(found["rule_name"]), found.get("help")
    message = str(found["message"])
    return Diagnostic(
        code="H0510",
        title=f"`{migration.name}`: {message[:1].lower()}{message[1:].rstrip('.')}",
        place=place,
        notes=(f"https://squawkhq.com/docs/{rule}",),
        helps=(*((str(remedy).rstrip("."),) if remedy else ()), f"or say above it: -- squawk-ignore {rule}"),
        severity="error" if str(found["level"]) == "Error" else "warning",
    )
