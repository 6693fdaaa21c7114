"""A blocked event loop is noticed, with the line that blocks it."""

import asyncio
import threading
import time

from hardy.telemetry import LoopBlocked, Watchdog

LIMIT = 0.06


def ponder(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def careless() -> None:
    time.sleep(LIMIT * 3)  # the culprit


async def caller() -> None:
    await careless()


async def seen_of(*blocks) -> list[LoopBlocked]:
    seen: list[LoopBlocked] = []
    async with Watchdog(LIMIT, seen.append, waiting=lambda: 7):
        for block in blocks:
            await asyncio.sleep(LIMIT / 3)
            await block()
        await asyncio.sleep(LIMIT)
    return from_here(seen)


def from_here(seen: list[LoopBlocked]) -> list[LoopBlocked]:
    """Leave out the times when the machine had no CPU for the tests."""
    return [each for each in seen if any(spot.file == __file__ for spot in each.culprit)]


async def test_a_blocked_loop_is_told_with_the_line_that_blocks_and_its_caller():
    began = time.monotonic()
    (notice,) = await seen_of(caller)
    whole = time.monotonic() - began
    at, called_by = notice.culprit
    assert (at.function, at.code) == ("careless", "time.sleep(LIMIT * 3)  # the culprit")
    assert at.place.startswith("tests/unit/telemetry/test_watchdog.py:")
    assert called_by.function == "caller"
    assert LIMIT <= notice.seconds <= whole
    assert (notice.waiting, notice.over) == (7, True)


async def test_code_that_computes_is_seen_as_well_as_code_that_waits():
    async def compute() -> None:
        ponder(LIMIT * 3)

    notice, *_ = await seen_of(compute)
    assert [each.function for each in notice.culprit] == ["ponder", "compute"]


async def test_what_the_user_called_is_not_blamed_for_being_called():
    import json.decoder

    async def parse() -> None:
        json.loads("[]", object_hook=None, cls=Slow)

    class Slow(json.decoder.JSONDecoder):
        def decode(self, s, **_):
            time.sleep(LIMIT * 3)

    (notice,) = await seen_of(parse)
    assert [each.function for each in notice.culprit] == ["decode", "parse"]


async def test_each_block_is_told_once():
    seen = await seen_of(caller, caller)
    assert [each.culprit[0].function for each in seen] == ["careless", "careless"]


async def test_a_loop_that_turns_is_no_news():
    seen: list[LoopBlocked] = []
    async with Watchdog(1.0, seen.append):
        for _ in range(30):
            ponder(0.01)
            await asyncio.sleep(0)
    assert seen == []


async def test_a_loop_that_is_stuck_is_told_while_it_is(monkeypatch):
    monkeypatch.setattr("hardy.telemetry._watchdog.STUCK", LIMIT)
    told = threading.Event()
    seen: list[LoopBlocked] = []

    def hear(notice: LoopBlocked) -> None:
        seen.append(notice)
        told.set()

    async with Watchdog(LIMIT, hear):
        await asyncio.sleep(0)
        assert told.wait(5)
        await asyncio.sleep(LIMIT)
    stuck, *_, over = from_here(seen)
    assert (stuck.over, over.over) == (False, True)
    assert stuck.culprit[0].code == "assert told.wait(5)"


async def test_nothing_is_left_when_it_is_closed():
    before = threading.active_count()
    async with Watchdog(LIMIT, lambda notice: None) as watchdog:
        assert threading.active_count() == before + 1
        await asyncio.sleep(0)
        time.sleep(LIMIT * 2)
    assert threading.active_count() == before
    statistics = watchdog.statistics()
    assert statistics.blocked >= 1
    assert statistics.longest >= LIMIT
