"""The schema of a database, in steps that are applied once and remembered: SQL files and Python revisions in one line.

``Database(settings, migrations=folder)`` brings its schema up when it is
opened, and ``hardy db`` does it by hand. A migration is one transaction; any
number of processes may start at once and each migration is applied once; what
was applied and then changed is refused. Revisions in Python are Alembic's;
without them neither Alembic nor SQLAlchemy is imported.

Example:
    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def main(folder: Path) -> list[str]:
    ...     (folder / "0001_orders.sql").write_text("create table orders (id integer primary key);")
    ...     async with Migrations(folder).at(f"sqlite:///{folder}/orders.db") as migrator:
    ...         return [each.name for each in await migrator.apply()]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(main(Path(folder)))
    ['0001_orders']
"""

from hardy.adapters.sql.migrations._migration import Migration, Record
from hardy.adapters.sql.migrations._migrations import Migrations
from hardy.adapters.sql.migrations._migrator import MigrationApplied, Migrator, SchemaAhead
from hardy.adapters.sql.migrations._standing import Standing
from hardy.adapters.sql.migrations._statements import Statement
from hardy.core._module import publish

__all__ = [
    "Migration",
    "MigrationApplied",
    "Migrations",
    "Migrator",
    "Record",
    "SchemaAhead",
    "Standing",
    "Statement",
]

publish(__name__, globals())
