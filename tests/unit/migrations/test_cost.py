"""Whoever has nothing to migrate, or no revision in Python, does not pay for Alembic and SQLAlchemy."""

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from pathlib import Path
import hardy.tools.cli._db
from hardy.adapters.sql import Database, DatabaseSettings

async def main() -> None:
    for _ in range(2):
        settings = DatabaseSettings(url="sqlite:///orders.db", migrate="apply")
        async with Database(settings, migrations=Path("migrations")):
            pass

asyncio.run(main())
print(sorted({"alembic", "sqlalchemy", "asyncpg"} & set(sys.modules)), Path("orders.db").exists())
"""


def test_migrations_in_sql_load_neither_alembic_nor_sqlalchemy(folder, tmp_path):
    folder.write("0001_orders.sql", "create table orders (id integer primary key)")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "[] True\n", done.stderr
