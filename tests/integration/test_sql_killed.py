"""A process killed while it writes: what was acknowledged is there, and nothing is there by half."""

import sqlite3
import subprocess
import sys

WRITER = """
import asyncio, sys
from hardy.adapters.sql import Database, DatabaseSettings

SCHEMA = "create table if not exists orders (n integer primary key); create table if not exists events (n integer primary key);"

async def main(url, first):
    async with Database(DatabaseSettings(url=url), schema=SCHEMA) as database:
        numbers = iter(range(first, first + 100_000))

        async def write():
            for n in numbers:
                async with database.transaction() as session:
                    await session.execute("insert into orders values (:n)", n=n)
                    await session.execute("insert into events values (:n)", n=n)
                print(n, flush=True)

        await asyncio.gather(*(write() for _ in range(4)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def test_a_killed_process_loses_nothing_it_acknowledged_and_leaves_nothing_by_half(tmp_path):
    file = tmp_path / "orders.db"
    acknowledged: set[int] = set()
    for run in range(4):
        command = [sys.executable, "-c", WRITER, f"sqlite:///{file}", str(run * 100_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(30 + 17 * run):  # killed at another point each time, always in the middle of writing
                acknowledged.add(int(process.stdout.readline()))
            process.kill()
            acknowledged |= {int(line) for line in process.stdout.read().split("\n")[:-1]}
    with sqlite3.connect(file) as raw:
        orders = {n for (n,) in raw.execute("select n from orders")}
        events = {n for (n,) in raw.execute("select n from events")}
    raw.close()
    assert acknowledged - orders == set()
    assert orders == events
