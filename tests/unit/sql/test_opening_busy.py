"""Opening a database that others are writing to."""

import asyncio
import sqlite3

from hardy.adapters.sql import Database, DatabaseSettings


async def test_opening_waits_for_its_turn_to_write(tmp_path):
    path = tmp_path / "busy.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("pragma journal_mode = wal")
    other.execute("begin immediate")

    async def finish():
        await asyncio.sleep(0.2)
        other.execute("commit")

    finishing = asyncio.create_task(finish())
    async with Database(DatabaseSettings(url=f"sqlite:///{path}"), schema="create table if not exists a (b text)"):
        assert finishing.done()
    await finishing
    other.close()
