"""kill -9 at any moment: no event is lost, none is made up, none of a key overtakes another, effects happen once."""

import json
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import event_crash
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.outbox import Inbox

SLOW = pytest.mark.slow


def run(what: str, url: str, folder: Path, *arguments: object) -> None:
    seed = random.randrange(1_000_000)
    command = [sys.executable, event_crash.__file__, what, url, str(folder), *map(str, arguments[:-1]), str(seed)]
    command += [arguments[-1]] if arguments[-1] else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"


def sent(folder: Path) -> list[tuple[str, str, int]]:
    """Every line that was sent: id, key, number."""
    lines = (line.split(" ", 1) for line in (folder / "sent").read_text().splitlines())
    return [(id_, (data := json.loads(text))["key"], data["n"]) for id_, text in lines]


def in_order(pairs: list[tuple[str, int]]) -> None:
    """The first time that each was sent is in the order of its key, from 1 on without a gap."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for key, n in dict.fromkeys(pairs):
        by_key[key].append(n)
    assert {key: numbers == list(range(1, len(numbers) + 1)) for key, numbers in by_key.items()} == dict.fromkeys(
        by_key, True
    )


async def pairs(url: str, table: str, order: str) -> list[tuple[str, int]]:
    async with Database(DatabaseSettings(url=url)) as database, database.transaction() as session:
        found = await session.all(event_crash.Counted, f"select key, n from {table} order by {order}")
        return [(each.key, each.n) for each in found]


async def consume_all(url: str, lines: list[tuple[str, str, int]]) -> None:
    """Deal with what was sent, repetitions included, as consumers with an inbox do."""
    async with Database(DatabaseSettings(url=url, durable=False)) as database:
        inbox = Inbox()
        for id_, key, n in lines:
            async with database.transaction(write=True) as session:
                if await inbox.once(session).first("test", id_):
                    await session.execute("insert into effects (key, n) values (:key, :n)", key=key, n=n)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(16, id="a-few"), pytest.param(1000, id="many", marks=[SLOW, pytest.mark.timeout(3600)])],
)
async def test_a_process_killed_while_it_writes_and_relays(database_url, tmp_path, kills):
    run("writers", database_url, tmp_path, kills, None)
    acknowledged = {
        (key, int(n)) for key, n in (line.split() for line in (tmp_path / "acknowledged").read_text().splitlines())
    }
    lines = sent(tmp_path)
    orders = set(await pairs(database_url, "orders", "key, n"))
    assert acknowledged - orders == set(), "acknowledged and lost"
    assert {(key, n) for _, key, n in lines} == orders, "an event without its order, or an order without its event"
    in_order([(key, n) for _, key, n in lines])
    await consume_all(database_url, lines)
    effects = await pairs(database_url, "effects", "seq")
    assert len(effects) == len(orders)
    in_order(effects)


@pytest.mark.parametrize(
    ("events", "interval"),
    [
        pytest.param(120, 0.1, id="some"),
        pytest.param(50_000, 0.2, id="many", marks=[SLOW, pytest.mark.timeout(3600)]),
    ],
)
async def test_four_relays_killed_again_and_again(database_url, tmp_path, events, interval):
    run("relays", database_url, tmp_path, events, interval, None)
    lines = sent(tmp_path)
    orders = set(await pairs(database_url, "orders", "key, n"))
    assert len(orders) == events
    assert {(key, n) for _, key, n in lines} == orders
    in_order([(key, n) for _, key, n in lines])
    assert int((tmp_path / "kills").read_text()) >= 4


@pytest.mark.parametrize("dialect", ["postgres"])
@pytest.mark.parametrize(
    ("events", "interval"),
    [
        pytest.param(80, 0.3, id="some"),
        pytest.param(50_000, 0.2, id="many", marks=[SLOW, pytest.mark.timeout(3600)]),
    ],
)
async def test_four_services_killed_while_they_relay_and_consume_over_nats(
    database_url, nats_url, tmp_path, events, interval
):
    run("relays", database_url, tmp_path, events, interval, nats_url)
    effects = await pairs(database_url, "effects", "seq")
    assert len(effects) == len(set(effects)) == events
    assert set(effects) == set(await pairs(database_url, "orders", "key, n"))
    in_order(effects)
