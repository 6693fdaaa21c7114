"""A service of one process that does jobs, for tests that kill it: ``python worker.py URL JOURNAL LEASE``."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hardy import App, Call, internal
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.adapters.sql.jobs import SqlJobs
from hardy.app import Assembly, Service
from hardy.transport import jobs


@dataclass
class Work:
    number: int
    seconds: float = 0.0


JOURNAL = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(os.devnull)


def note(what, number, attempt):
    with JOURNAL.open("a") as journal:  # one write of a short line is atomic
        journal.write(f"{what} {number} {attempt} {os.getpid()} {time.monotonic()}\n")


async def work(msg: Work, *, session: Session, call: Call) -> None:
    attempt = call.metadata["job-attempt"]
    note("began", msg.number, attempt)
    await session.execute("insert into effects (number) values (:number)", number=msg.number)
    await asyncio.sleep(msg.seconds)
    note("ended", msg.number, attempt)


def build(url, lease, concurrency=4):
    app = App("worker")
    app.manage(Database(DatabaseSettings(url=url, durable=False, acquire_timeout=30, connections=4)))
    app.manage(SqlJobs())
    app.expose(work, jobs.queue("work", lease=lease, poll=0.02, concurrency=concurrency), allow=internal)
    return app


async def main():
    async with Service(Assembly(build(sys.argv[1], float(sys.argv[3])), log=sys.stderr)):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
