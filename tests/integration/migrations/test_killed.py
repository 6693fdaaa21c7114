"""A process that is killed at any statement of a migration leaves nothing that the next one does not bring to its end."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killed.py")


@pytest.mark.parametrize(
    "every",
    [pytest.param(11, id="at-some-statements"), pytest.param(1, id="at-every-statement", marks=pytest.mark.slow)],
)
def test_a_killed_migration_is_brought_to_its_end(folder, url, every):
    folder.write("0001_orders.sql", "create table orders (id bigint primary key); insert into orders values (1), (2);")
    folder.write("0002_more.sql", "insert into orders values (3); create table notes (n text);")
    folder.write("0003_notes.py", NOTES)
    folder.write("0004_index.postgresql.sql", CONCURRENTLY)
    folder.write("0004_index.sqlite.sql", ONE_BY_ONE)
    done = subprocess.run([sys.executable, PROGRAM, url, folder.path, str(every)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    *wrong, kills = done.stdout.splitlines()
    assert wrong == []
    assert int(kills) >= 28 // every


NOTES = """
    from alembic import op


    def upgrade():
        op.execute("insert into notes values ('a')")
        op.execute("insert into notes values ('b')")
"""
CONCURRENTLY = """
    create index concurrently if not exists orders_id on orders (id);
    create table if not exists marks (id bigint primary key);
    insert into marks values (1) on conflict do nothing;
    create unique index concurrently if not exists marks_id on marks (id);
"""
ONE_BY_ONE = """
    -- no transaction
    create index if not exists orders_id on orders (id);
    create table if not exists marks (id bigint primary key);
    vacuum;
    insert into marks values (1) on conflict do nothing;
"""
