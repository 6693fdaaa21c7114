"""New migrations: the next free number, and the text that a file begins with."""

import re
from collections.abc import Sequence
from pathlib import Path

from hardy.adapters.sql.migrations._migration import number_of

_SQL = """\
-- {message}
--
-- One transaction, which lets others go first when it has waited a second for a lock. What stands
-- below `-- down` undoes it. A file with `create index concurrently if not exists` is no transaction.


-- down

"""
_PYTHON = '''\
"""{message}."""

import sqlalchemy as sa
from alembic import op
{imports}

def upgrade() -> None:
    """Apply it, in one transaction."""
    {up}


def downgrade() -> None:
    """Undo it."""
    {down}
'''


def next_path(folder: Path, message: str, suffix: str) -> Path:
    """Return the file of a new migration: the next free number, and *message* in small letters.

    Example:
        >>> next_path(Path("migrations"), "Add a note!", ".sql").as_posix()
        'migrations/0001_add_a_note.sql'
    """
    files = folder.iterdir() if folder.is_dir() else ()
    taken = [number_of(each.name) for each in files if each.suffix in {".sql", ".py"}]
    words = re.sub(r"\W+", "_", message.lower()).strip("_") or "change"
    return folder / f"{max(taken, default=0) + 1:04d}_{words}{suffix}"


def sql_text(message: str) -> str:
    """Return the beginning of a migration in SQL."""
    return _SQL.format(message=_line(message))


def python_text(message: str, bodies: Sequence[str] = ("pass", "pass")) -> str:
    """Return a revision in Python with the *bodies* of its two functions."""
    up, down = bodies
    needs_dialect = any("postgresql." in each for each in bodies)
    imports = "from sqlalchemy.dialects import postgresql\n" if needs_dialect else ""
    text = _line(message).replace("\\", "\\\\").replace('"""', "'''").rstrip(".")
    return _PYTHON.format(message=text[:1].upper() + text[1:], imports=imports, up=up, down=down)


def _line(message: str) -> str:
    return " ".join(message.split())
