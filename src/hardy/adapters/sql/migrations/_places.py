"""Where a migration is written, for people."""

from pathlib import Path

from hardy.core import Place


def shown(path: Path) -> str:
    """Return *path* as seen from here."""
    here = Path.cwd()
    path = path.absolute()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def at(path: Path, line: int = 0) -> Place:
    """Return a line of a migration as a place."""
    if not line:
        return Place(shown(path))
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return Place(shown(path), line, lines[line - 1].rstrip() if line <= len(lines) else "")
