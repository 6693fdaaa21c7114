"""What the probes answer, and when."""

import asyncio

import pytest

from hardy.lifecycle import Health


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Database:
    """Counts its pings; is up, down, or does not answer."""

    def __init__(self) -> None:
        self.pings = 0
        self.error: BaseException | None = None
        self.door: asyncio.Event | None = None
        self.stubborn = False

    async def ping(self) -> None:
        self.pings += 1
        while self.door and not self.door.is_set():
            try:
                await self.door.wait()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise
        if self.error:
            raise self.error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def health(clock, database) -> Health:
    health = Health(timeout=0.01, keep=1, clock=clock)
    health.watch("database", database.ping)
    return health


async def test_an_app_that_starts_is_live_and_not_ready(health, database):
    answer = await health.ready()
    assert (health.live, health.started, answer.ready, answer.state) == (True, False, False, "starting")
    assert database.pings == 0


async def test_an_app_that_serves_is_ready_when_every_ping_succeeds(health, database):
    health.serve()
    answer = await health.ready()
    assert (health.live, health.started, answer.ready, health.state) == (True, True, True, "serving")
    assert [(check.name, check.ok, check.error) for check in answer.checks] == [("database", True, "")]


async def test_an_app_that_drains_is_live_and_started_but_not_ready(health, database):
    health.serve()
    health.drain()
    answer = await health.ready()
    assert (health.live, health.started, answer.ready, answer.state) == (True, True, False, "draining")
    assert database.pings == 0


async def test_draining_while_a_ping_runs_counts_at_once(health, database):
    health.serve()
    database.door = asyncio.Event()
    asked = asyncio.create_task(health.ready())
    while not database.pings:
        await asyncio.sleep(0)
    health.drain()
    database.door.set()
    assert not (await asked).ready


async def test_a_failing_ping_is_named(health, database):
    async def fine() -> None: ...

    health.watch("cache", fine)
    health.serve()
    database.error = ConnectionError("refused")
    answer = await health.ready()
    assert not answer.ready
    assert answer.failing == ("database",)
    assert answer.checks[0].error == "ConnectionError: refused"


async def test_a_ping_that_hangs_is_a_failing_one(health, database):
    health.serve()
    database.door = asyncio.Event()
    answer = await health.ready()
    assert answer.checks[0].error == "no answer within 0.01 s"
    assert not answer.ready


async def test_a_ping_that_hangs_for_good_is_not_started_again(health, database, clock):
    health.serve()
    database.door, database.stubborn = asyncio.Event(), True
    for _ in range(3):
        assert not (await health.ready()).ready
        clock.now += 1
    assert database.pings == 1
    database.error = ConnectionError("too late to be told")
    database.door.set()
    await asyncio.sleep(0)
    database.error = None
    assert (await health.ready()).ready
    assert database.pings == 2


async def test_a_ping_that_was_cancelled_by_itself_is_a_failing_one(health, database):
    health.serve()
    database.error = asyncio.CancelledError()
    answer = await health.ready()
    assert answer.checks[0].error == "cancelled"


async def test_an_answer_is_kept_for_a_moment(health, database, clock):
    health.serve()
    assert (await health.ready()).ready
    database.error = ConnectionError("refused")
    clock.now = 0.99
    assert (await health.ready()).ready
    clock.now = 1
    assert not (await health.ready()).ready
    assert database.pings == 2


async def test_all_who_ask_at_once_share_one_round(health, database):
    health.serve()
    answers = await asyncio.gather(*(health.ready() for _ in range(20)))
    assert all(answer.ready for answer in answers)
    assert database.pings == 1


async def test_one_who_goes_away_does_not_spoil_it_for_the_others(health, database):
    health.serve()
    database.door = asyncio.Event()
    gone, stays = asyncio.create_task(health.ready()), asyncio.create_task(health.ready())
    while not database.pings:
        await asyncio.sleep(0)
    gone.cancel()
    database.door.set()
    assert (await stays).ready
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_an_app_without_pings_is_ready_when_it_serves():
    health = Health()
    health.serve()
    assert (await health.ready()).ready
