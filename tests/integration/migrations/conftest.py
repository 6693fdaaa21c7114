"""A folder of migrations, and a database of each kind to apply them to."""

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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/orders.db"
    return request.getfixturevalue("postgres_url")
