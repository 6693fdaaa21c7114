"""A program that is several processes, all of which migrate at once: ``python replicas.py URL FOLDER COUNT``.

Each prints the names of what it has applied; the exit code is how many failed.
"""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg  # noqa: F401  # before the processes are made: they are to begin at one moment

from hardy.adapters.sql.migrations import Migrations


async def migrate(url, folder):
    async with Migrations(Path(folder)).at(url) as migrator:
        return [each.name for each in await migrator.apply()]


def replica(url, folder, gate):
    os.read(gate, 1)  # nothing is ever written: it is closed for all at once
    os.write(1, "".join(f"{name}\n" for name in asyncio.run(migrate(url, folder))).encode())


def main(url, folder, count):
    gate, opener = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(opener)
            replica(url, folder, gate)
            os._exit(0)
        children.append(child)
    os.close(opener)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
