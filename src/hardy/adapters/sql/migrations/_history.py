"""The history of a schema as the code has it: hardy's own steps, then the files of a folder, in one line."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql.migrations import _faults
from hardy.adapters.sql.migrations._migration import Migration, number_of
from hardy.adapters.sql.migrations._statements import Statement, checksum_of, checksum_of_text, split
from hardy.core import Diagnostic

Dialect = Literal["sqlite", "postgresql"]

_NAME = re.compile(r"(?P<name>(?P<number>\d+)_\w+)(?:\.(?P<dialect>sqlite|postgresql))?\.(?P<kind>sql|py)")
_DOWN = re.compile(r"^--[ \t]*down\b.*$", re.MULTILINE | re.IGNORECASE)
_ALONE = re.compile(r"^--[ \t]*no transaction\b", re.MULTILINE | re.IGNORECASE)
_TRANSACTION = re.compile(r"(begin|commit|end|abort|start transaction|rollback(?! to\b))\b")
_CONCURRENTLY = re.compile(r"(create (unique )?index|drop index|reindex\b.*|refresh materialized view) concurrently\b")


def own_steps(steps: Iterable[SchemaStep], dialect: Dialect) -> list[Migration]:
    """Return hardy's own *steps* as migrations, each name once."""
    found: dict[str, Migration] = {}
    for step in steps:
        up = split(step.sqlite if dialect == "sqlite" else step.postgresql)
        migration = Migration(
            name=step.name, kind="step", checksum=checksum_of(up), up=up, atomic=not _is_concurrent(up)
        )
        found.setdefault(step.name, migration)
    return list(found.values())


def read_folder(folder: Path, dialect: Dialect) -> tuple[list[Migration], list[Diagnostic]]:
    """Return the migrations of *folder* in their order, and everything that is wrong with them.

    Files that begin with ``_``, ``.`` or ``seed.`` are none of the history's, nor is what is neither SQL nor Python.
    """
    if not folder.is_dir():
        return [], [_faults.misplaced_folder(folder)]
    faults: list[Diagnostic] = []
    files: dict[str, list[tuple[str | None, Path]]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".sql", ".py"} or path.name.startswith(("_", ".", "seed.")):
            continue
        if (named := _NAME.fullmatch(path.name)) is None:
            faults.append(_faults.misnamed(path))
        else:
            files.setdefault(named["name"], []).append((named["dialect"], path))
    faults += _same_numbers({name: variants[0][1] for name, variants in files.items()})
    migrations: list[Migration] = []
    for name in sorted(files, key=lambda each: (number_of(each), each)):
        migration, found = _read(name, files[name], dialect)
        migrations.append(migration)
        faults += found
    return migrations, faults


def _same_numbers(files: dict[str, Path]) -> Iterator[Diagnostic]:
    first: dict[int, Path] = {}
    free = max((number_of(name) for name in files), default=0) + 1
    for name, path in sorted(files.items()):
        if first.setdefault(number_of(name), path) is not path:
            yield _faults.same_number(first[number_of(name)], path, free)
            free += 1


def _read(
    name: str, variants: Sequence[tuple[str | None, Path]], dialect: Dialect
) -> tuple[Migration, list[Diagnostic]]:
    """Return the variant of a migration for *dialect*; one that has none there does nothing there."""
    by_kind = {path.suffix for _, path in variants}
    if len(by_kind) > 1:
        faults = [_faults.unreadable(variants[1][1], "is there as SQL and as Python; keep one")]
        return Migration(name=name, kind="sql", checksum="", path=variants[0][1]), faults
    chosen = {spoken: path for spoken, path in variants if spoken in {None, dialect}}
    path = chosen.get(dialect, chosen.get(None))
    if path is None:
        return Migration(name=name, kind="sql", checksum=checksum_of(()), path=variants[0][1], down=()), []
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return Migration(name=name, kind="python", checksum=checksum_of_text(text), path=path), []
    return _read_sql(name, path, text)


def way_up(text: str) -> str:
    """Return the part of an SQL migration above ``-- down``."""
    found = _DOWN.search(text)
    return text if found is None else text[: found.start()]


def _read_sql(name: str, path: Path, text: str) -> tuple[Migration, list[Diagnostic]]:
    parts = list(_DOWN.finditer(text))
    above = way_up(text)
    end = len(above)
    up = split(above)
    down = split(text[end:], line=text.count("\n", 0, end) + 1) if parts else None
    atomic = _ALONE.search(text) is None and not _is_concurrent((*up, *(down or ())))
    faults: list[Diagnostic] = []
    if not up:
        faults.append(_faults.unreadable(path, "has no statement"))
    if len(parts) > 1:
        faults.append(_faults.unreadable(path, "has two parts `-- down`", text.count("\n", 0, parts[1].start()) + 1))
    faults += [
        _faults.unreadable(path, "begins or ends a transaction, which is not its business", each.line)
        for each in (*up, *(down or ()))
        if _TRANSACTION.match(each.words)
    ]
    if not atomic:
        faults += _unrepeatable(path, (*up, *(down or ())))
    migration = Migration(
        name=name, kind="sql", checksum=checksum_of(up), path=path, up=up, down=down or None, atomic=atomic
    )
    return migration, faults


def _is_concurrent(statements: Sequence[Statement]) -> bool:
    return any(_CONCURRENTLY.match(each.words) for each in statements)


_REPEATABLE = (
    (re.compile(r"create (?!or replace)"), "if not exists"),
    (re.compile(r"drop "), "if exists"),
    (re.compile(r"alter table .*\badd column"), "if not exists"),
    (re.compile(r"alter table .*\bdrop column"), "if exists"),
    (re.compile(r"insert into "), "on conflict do nothing"),
)


def _unrepeatable(path: Path, statements: Sequence[Statement]) -> Iterator[Diagnostic]:
    for statement in statements:
        for begins, needed in _REPEATABLE:
            if begins.match(statement.words) and needed.removesuffix(" do nothing") not in statement.words:
                yield _faults.not_repeatable(path, statement.line, f"say `{needed}` in it")
                break
