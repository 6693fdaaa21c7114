"""A service in production does not start behind its schema, with workers neither; `hardy db migrate` is the remedy."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HARDY = Path(sys.executable).with_name("hardy")
SERVICE = """
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import ClassVar

    import hardy
    from hardy import App, internal
    from hardy.adapters.sql import Database, DatabaseSettings, Session
    from hardy.transport.command import command


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        prefix: ClassVar[str] = "SHOP"
        database: DatabaseSettings = field(default_factory=DatabaseSettings)


    async def count(*, session: Session) -> int:
        return await session.first(int, "select count(*) from orders") or 0


    def build(settings: Settings) -> App:
        app = App("shop", settings)
        app.manage(Database(settings.database, migrations=Path(__file__).parent / "migrations"))
        app.expose(count, command("count"), allow=internal)
        return app
"""
SERVING = ("run", "shop:build", "--port", "0", "--grpc-port", "0", "--admin-port", "0", "--host", "127.0.0.1")


@pytest.fixture
def hardy(tmp_path, url):
    """Run a command of the program in a project on disk, on a database of its own."""
    (tmp_path / "shop.py").write_text(textwrap.dedent(SERVICE))
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_orders.sql").write_text("create table orders (id bigint primary key);")
    environment = {**os.environ, "SHOP_DATABASE__URL": url}

    def run(*argv, **variables):
        return subprocess.run(
            [HARDY, *argv], cwd=tmp_path, env={**environment, **variables}, capture_output=True, text=True, timeout=50
        )

    return run


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_a_service_behind_its_schema_does_not_start(hardy, workers):
    done = hardy(*SERVING, *workers)
    assert done.returncode == 6, done.stderr
    assert "error[H0501]: 1 migration is not applied to the database" in done.stderr
    assert "help: hardy db migrate" in done.stderr


def test_a_service_whose_schema_was_migrated_serves(hardy):
    assert hardy("db", "migrate", "--service", "shop:build").returncode == 0
    done = hardy("call", "count", "--local", "--service", "shop:build", SHOP_ENVIRONMENT="production")
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_service_in_dev_applies_what_is_pending(hardy):
    done = hardy("call", "count", "--local", "--service", "shop:build")
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert done.stderr.count("0001_") == 1, "told once"
    assert '"event":"migration applied"' in done.stderr
    assert hardy("db", "status", "--service", "shop:build").returncode == 0
