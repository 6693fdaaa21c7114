"""Without its extra a driver says what to install, and only when it is asked for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("library", "url", "extra"),
    [("aiosqlite", "sqlite:///:memory:", "sql"), ("asyncpg", "postgresql://localhost/x", "postgres")],
)
def test_the_absence_of_a_driver_is_named_with_the_remedy(library, url, extra):
    program = f"""
import sys
sys.modules[{library!r}] = None
from hardy.adapters.sql import Database, DatabaseSettings
Database(DatabaseSettings(url={url!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"hardy.adapters.sql needs {library}. Install it with: pip install 'hardy[{extra}]'" in done.stderr


def test_no_driver_is_imported_before_it_is_needed():
    program = """
import sys
import hardy.adapters.sql
print(sorted({"aiosqlite", "asyncpg", "sqlalchemy", "alembic"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
