"""A program that migrates in processes of its own and kills each at another moment; see test_killed.py.

``python killed.py URL FOLDER EVERY``: prints how many were killed, and what is wrong, a line each.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import alembic.autogenerate  # noqa: F401  # before there are processes, of which each would import it again
import asyncpg
import sqlalchemy.ext.asyncio  # noqa: F401

from hardy.adapters.sql.migrations import Migrations, _sqlite

EXPECTED = {"select count(*) from orders": 3, "select count(*) from marks": 1, "select count(*) from notes": 2}


class Doom:
    """Ends the process at the so-many-th statement."""

    def __init__(self, moment):
        self.left = moment

    def strike(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def haunt(doom):
    """Let every statement, of either driver, pass by *doom*: on PostgreSQL before it is sent and after it is answered."""
    execute = asyncpg.Connection.execute

    async def executed(self, *args, **kwargs):
        doom.strike()
        result = await execute(self, *args, **kwargs)
        doom.strike()
        return result

    asyncpg.Connection.execute = executed
    opened = _sqlite.SqliteDriver._open

    def traced(self):
        raw = opened(self)
        raw.set_trace_callback(lambda sql: doom.strike())
        return raw

    _sqlite.SqliteDriver._open = traced


async def migrate(url, folder):
    async with Migrations(folder).at(url) as migrator:
        return await migrator.apply()


def die(url, folder, moment):
    """Migrate in a process that is killed at *moment*; return whether it was."""
    child = os.fork()
    if child == 0:
        haunt(Doom(moment))
        asyncio.run(migrate(url, folder))
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


async def wrong(url, folder):
    """Migrate to the end and return what differs from a database that was migrated undisturbed."""
    await migrate(url, folder)
    async with Migrations(folder).at(url) as migrator:
        found = [] if (await migrator.standing()).is_current else ["not current"]
    if url.startswith("sqlite"):
        raw = sqlite3.connect(url.removeprefix("sqlite:///"))
        counted = {query: raw.execute(query).fetchone()[0] for query in EXPECTED}
        raw.close()
    else:
        connection = await asyncpg.connect(url)
        counted = {query: await connection.fetchval(query) for query in EXPECTED}
        found += ["an invalid index"] * await connection.fetchval("select count(*) from pg_index where not indisvalid")
        await connection.close()
    return [*found, *(f"{query}: {number}" for query, number in counted.items() if number != EXPECTED[query])]


async def reset(url):
    if url.startswith("sqlite"):
        for each in Path(url.removeprefix("sqlite:///")).parent.glob("*"):
            each.unlink()
        return
    connection = await asyncpg.connect(url)
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()


def main(url, folder, every):
    moment = kills = 0
    while die(url, Path(folder), moment := moment + every):
        kills += 1
        for each in asyncio.run(wrong(url, Path(folder))):
            print(f"killed at {moment}: {each}")
        asyncio.run(reset(url))
    print(kills)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
