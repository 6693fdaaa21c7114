"""A till that takes payments, run in the test or as a process of its own: ``python till.py URL``."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass

from hardy import App, Call, FailedPrecondition, Handler, public
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.app import Assembly, Listen, Service
from hardy.config import Settings
from hardy.transport import grpc, http

PATH = "/till.v1.Till/Pay"
MORTAL = __name__ == "__main__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay:
    amount: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    id: int
    amount: int
    version: int = 1


class Broke(FailedPrecondition):
    """There is not so much."""


SCHEMA = {
    "sqlite": "create table if not exists payments (id integer primary key, amount integer not null, note text);",
    "postgresql": "create table if not exists payments "
    "(id bigint generated always as identity primary key, amount bigint not null, note text);",
}
INSERT = "insert into payments (amount, note) values (:amount, :note) returning id"


async def pay(msg: Pay, *, session: Session) -> Paid:
    """Take a payment."""
    number = await session.first(int, INSERT, amount=msg.amount, note=msg.note)
    assert number is not None
    await asyncio.sleep(0.001)
    if msg.note == "broke":
        raise Broke("not so much", amount=msg.amount)
    if msg.note == "die before the commit":
        die()
    return Paid(id=number, amount=msg.amount)


async def last_breath(call: Call, proceed: Handler) -> object:
    """Die when everything is done and nobody was told."""
    reply = await proceed(call)
    if isinstance(call.message, Pay) and call.message.note == "die after the commit":
        die()
    return reply


def die() -> None:
    """Die, unless the test itself is this process."""
    if MORTAL:
        os.kill(os.getpid(), signal.SIGKILL)


def database(url: str) -> Database:
    words = "sqlite" if url.startswith("sqlite") else "postgresql"
    tables = ";".join(getattr(step, words) for step in SqlIdempotency.schema_steps)
    settings = DatabaseSettings(url=url, acquire_timeout=30, durable=False, migrate="ignore")
    return Database(settings, schema=SCHEMA[words] + tables)


def app_on(kept: Database, *stores: object) -> App:
    app = App("till", Settings(environment="test"))
    app.manage(kept)
    for each in stores:
        app.manage(each)
    app.use(last_breath)
    app.expose(
        pay,
        http.post("/payments", status=201, location="/payments/{id}", etag="version"),
        grpc.service("till.v1.Till")("Pay"),
        allow=public,
        raises=[Broke],
        idempotency="required",
    )
    return app


async def main(url: str) -> None:
    assembly = Assembly(app_on(database(url), SqlIdempotency()), log=sys.stderr)
    async with Service(assembly, http=Listen()) as service:
        print(json.dumps({"port": service.http.addresses[0].port}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
