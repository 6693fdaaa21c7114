"""`hardy events` shows the dead letters of a service, and lets them be tried again."""

import asyncio
import json
from dataclasses import dataclass

import pytest

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.outbox import Outbox, OutboxSettings
from hardy.core import InvalidArgument
from hardy.messaging import Topic

SERVICE = """
    from dataclasses import dataclass
    from typing import ClassVar

    import hardy
    from hardy import App
    from hardy.adapters.sql import Database, DatabaseSettings
    from hardy.adapters.sql.outbox import Outbox
    from hardy.messaging import MemoryBroker
    from hardy.transport import events
    from shop.quiet import Quiet


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        prefix: ClassVar[str] = "SHOP"
        database: DatabaseSettings


    @dataclass(frozen=True)
    class Sold:
        sku: str


    def build(settings: Settings) -> App:
        app = App("shop", settings)
        app.manage(Database(settings.database))
        app.manage({broker})
        app.manage(Outbox({{Sold: events.topic("sold")}}))
        return app
"""

NOWHERE = """
    from hardy import App

    class Quiet:
        from hardy.messaging import Publisher as port

        async def __aenter__(self): return self
        async def __aexit__(self, *error): ...
        async def publish(self, envelopes): raise AssertionError("a command that looks sends nothing")
"""


@dataclass(frozen=True)
class Sold:
    sku: str


class Refuses:
    async def publish(self, envelopes, /):
        raise InvalidArgument("too large")


async def give_up(url: str, *skus: str) -> None:
    database = Database(DatabaseSettings(url=url))
    database.migrations.require(Outbox.schema_steps)
    async with database:
        outbox = Outbox({Sold: Topic("sold", key="sku")}, OutboxSettings(relay=False))
        outbox.wire(database=database, publisher=Refuses())
        async with outbox:
            async with database.transaction() as session:
                await outbox.events(session).publish(*map(Sold, skus))
            await outbox.flush()


@pytest.fixture
def shop(project, tmp_path, monkeypatch):
    """A service with two dead letters, one of them of tea."""
    project.write("src/shop/quiet.py", NOWHERE)
    project.write("src/shop/app.py", SERVICE.format(broker="Quiet()"))
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("SHOP_DATABASE__URL", url)
    asyncio.run(give_up(url, "tea", "milk"))
    return project


def listed(hardy) -> list[dict[str, object]]:
    done = hardy("events", "list", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_dead_letters_are_listed(shop, hardy):
    done = hardy("events", "list")
    assert done.code == 0, done.err
    header, *rows = done.out.splitlines()
    assert header.split("   ")[0].strip() == "id"
    assert len(rows) == 2
    assert "INVALID_ARGUMENT: too large" in rows[0]
    assert "2 dead letters" in done.err


def test_one_is_replayed_by_its_id_and_the_rest_with_all(shop, hardy):
    tea, milk = sorted(listed(hardy), key=lambda each: str(each["key"]), reverse=True)
    assert json.loads(str(tea["data"])) == {"sku": "tea"}
    done = hardy("events", "replay", str(tea["id"]))
    assert (done.code, done.err.strip()) == (0, "1 event will be tried again")
    assert [each["id"] for each in listed(hardy)] == [milk["id"]]
    assert hardy("events", "replay", "--all").code == 0
    assert listed(hardy) == []


def test_replay_wants_to_be_told_which(shop, hardy):
    done = hardy("events", "replay")
    assert done.code == 2
    assert "--all" in done.err


def test_an_unknown_id_is_nothing_done(shop, hardy):
    assert hardy("events", "replay", "nonsense").code == 1


def test_a_broker_in_memory_does_not_hide_the_outbox(shop, hardy):
    shop.write("src/shop/app.py", SERVICE.format(broker="MemoryBroker()"))
    done = hardy("events", "list")
    assert (done.code, len(done.out.splitlines())) == (0, 3)
    assert "MemoryBroker of the service is in its memory" in done.err


def test_looking_migrates_nothing(shop, hardy, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE__URL", f"sqlite:///{tmp_path}/new.db")
    done = hardy("events", "list")
    assert done.code == 6
    assert "error[H0501]: 1 migration is not applied" in done.err
    assert hardy("events", "list").code == 6


def test_what_is_in_memory_cannot_be_looked_into(shop, hardy, monkeypatch):
    shop.write("src/shop/app.py", SERVICE.format(broker="MemoryBroker()"))
    monkeypatch.setenv("SHOP_DATABASE__URL", "sqlite:///:memory:")
    done = hardy("events", "list")
    assert done.code == 2
    assert "in its memory" in done.err
