"""A folder of migrations, and a file of SQLite to apply them to."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardy.adapters.sql.migrations import Migrations


@dataclass
class Folder:
    """Where a test writes its migrations."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.write_text(textwrap.dedent(text).lstrip("\n"))
        return file

    @property
    def migrations(self) -> Migrations:
        return Migrations(self.path)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "migrations"
    path.mkdir()
    return Folder(path)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/data/orders.db"
