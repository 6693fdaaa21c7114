"""A command runs beside the service and leaves to it what is done in the background."""

import asyncio
import sqlite3
from dataclasses import dataclass
from typing import ClassVar

import pytest

import hardy
from hardy import App, Events, internal
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.adapters.sql.outbox import Inbox, Outbox
from hardy.app import main
from hardy.messaging import MemoryBroker
from hardy.transport import events
from hardy.transport.command import command


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    prefix: ClassVar[str] = "BESIDE"
    database: DatabaseSettings


@dataclass(frozen=True)
class Shipped:
    order_id: int


async def ship(order_id: int, *, events: Events) -> list[str]:
    """Ship an order; returns what else this process does."""
    await events.publish(Shipped(order_id))
    return sorted(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())


async def tell(event: Shipped) -> None:
    """Tell somebody."""


def build(settings: Settings) -> App:
    app = App("beside", settings)
    app.manage(Database(settings.database))
    app.manage(MemoryBroker())
    app.manage(Outbox({Shipped: events.topic("shipped")}))
    app.manage(Inbox())
    app.manage(SqlIdempotency())
    app.expose(ship, command("ship"), allow=internal)
    app.expose(tell, events.topic("shipped"), allow=internal)
    return app


def test_a_command_leaves_its_events_to_the_relay_of_the_service(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Its own broker, in its own memory, has no consumer: what it relayed would be lost.
    monkeypatch.setenv("BESIDE_ENVIRONMENT", "dev")
    monkeypatch.setenv("BESIDE_DATABASE__URL", f"sqlite:///{tmp_path}/beside.db")
    assert main(build, ["ship", "--order-id", "7"], program="beside") == 0
    assert capsys.readouterr().out == "[]\n"
    with sqlite3.connect(tmp_path / "beside.db") as raw:
        assert raw.execute("select state, count(*) from hardy_outbox group by state").fetchall() == [("waiting", 1)]
    raw.close()
