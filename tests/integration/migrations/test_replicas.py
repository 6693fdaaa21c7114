"""Many processes that start at once apply each migration once, whatever they run on."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("replicas.py")


@pytest.mark.parametrize("count", [pytest.param(10, id="ten"), pytest.param(50, id="fifty", marks=pytest.mark.slow)])
def test_each_migration_is_applied_once(folder, url, count):
    names = [f"{number:04d}_counted" for number in range(2, 8)]
    folder.write("0001_counts.sql", "create table counts (name text);")
    for name in names:  # neither an index nor a key forbids to apply one twice
        folder.write(f"{name}.sql", f"insert into counts values ('{name}');")
    command = [sys.executable, PROGRAM, url, folder.path, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.split()) == ["0001_counts", *names]
