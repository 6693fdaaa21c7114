"""Calls are refused while there are more than can be carried out, and only then."""

import asyncio
import time

import pytest

from hardy.core import Call, Operation, Unavailable, compose
from hardy.resilience import CallShed, OverloadBegan, OverloadEnded, Shed

COST = 0.004


async def work() -> str: ...


WORK = Operation.of(work)


async def carry_out(call: Call) -> str:
    end = time.thread_time() + COST
    while time.thread_time() < end:
        pass
    return "done"


class Door:
    """Takes calls of one transport, as many at once as a test likes."""

    def __init__(self, shed: Shed, transport: str = "grpc") -> None:
        self.transport = transport
        self.handler = compose([shed], carry_out)

    async def call(self) -> str:
        try:
            return await self.handler(Call(WORK, self.transport))
        except Unavailable:
            return "shed"

    async def burst(self, calls: int) -> list[str]:
        return await asyncio.gather(*[self.call() for _ in range(calls)])

    async def crowd(self, seconds: float, at_once: int = 50) -> list[str]:
        """So many callers, each of whom comes back at once."""
        answers: list[str] = []
        end = time.monotonic() + seconds

        async def caller() -> None:
            while time.monotonic() < end:
                answers.append(await self.call())
                await asyncio.sleep(0)

        await asyncio.gather(*[caller() for _ in range(at_once)])
        return answers


@pytest.fixture
def seen():
    return []


@pytest.fixture
def shed(seen, monkeypatch):
    monkeypatch.setattr("hardy.resilience._shed.RECENT", 0.02)
    return Shed(emit=seen.append)


async def test_a_calm_service_refuses_nothing(shed, seen):
    door = Door(shed)
    for _ in range(20):
        assert await door.burst(2) == ["done", "done"]
        await asyncio.sleep(0.001)
    assert seen == []
    statistics = shed.statistics()
    assert (statistics.overloaded, statistics.shed, statistics.overloads) == (False, 0, 0)


async def test_a_burst_is_absorbed(shed):
    assert await Door(shed).burst(20) == ["done"] * 20


async def test_a_crowd_is_refused_what_cannot_be_done_and_served_what_can(shed, seen):
    answers = await Door(shed).crowd(0.8)
    assert answers.count("shed") > answers.count("done") > 0.5 / COST * 0.3
    assert isinstance(seen[0], OverloadBegan)
    assert sum(isinstance(each, CallShed) for each in seen) == answers.count("shed") == shed.statistics().shed
    assert seen[-1].operation == "work"


async def test_code_that_blocks_without_using_the_cpu_is_a_load_too(shed):
    async def block(call: Call) -> str:
        time.sleep(COST)
        return "done"

    door = Door(shed)
    door.handler = compose([shed], block)
    answers = await door.crowd(1.0, at_once=30)
    assert "shed" in answers
    assert answers.count("done") > 1 / COST * 0.3


async def test_who_is_refused_is_told_when_to_come_back(shed):
    door = Door(shed)
    crowd = asyncio.create_task(door.crowd(0.7))
    told = []
    while not crowd.done():
        await asyncio.sleep(0)
        try:
            await door.handler(Call(WORK, "http"))
        except Unavailable as error:
            told.append(error.retry_after)
    assert set(told) == {1.0}


async def test_it_ends_when_the_crowd_has_gone(shed, seen):
    door = Door(shed)
    await door.crowd(0.7)
    async with asyncio.timeout(5):
        while not isinstance(seen[-1], OverloadEnded):
            await asyncio.sleep(0.01)
    assert seen[-1].shed == shed.statistics().shed
    assert not shed.statistics().overloaded
    assert await door.burst(3) == ["done"] * 3


@pytest.mark.parametrize("transport", ["command", "direct"])
async def test_what_the_service_does_itself_is_never_refused(shed, transport):
    outside, inside = Door(shed), Door(shed, transport)
    crowd = asyncio.create_task(outside.crowd(0.8))
    answers = []
    while not crowd.done():
        await asyncio.sleep(0.01)
        answers.append(await inside.call())
    assert "shed" in crowd.result()
    assert set(answers) == {"done"}


async def test_one_call_that_blocks_the_others_is_no_overload(shed, seen):
    door = Door(shed)
    await door.burst(3)

    async def block() -> None:
        time.sleep(0.3)

    await asyncio.gather(block(), door.burst(5))
    assert seen == []


async def test_a_door_is_asked_before_there_is_a_task_and_lets_in_what_fits_in_a_turn(shed):
    door = Door(shed.guard("http"), "http")
    for _ in range(5):  # learns what a call takes
        assert all(shed.admits() for _ in range(5))
        await door.burst(5)
        await asyncio.sleep(0.02)
    admitted = sum(shed.admits() for _ in range(1000))
    assert admitted * COST <= 0.3
    assert admitted >= 5
    assert shed.statistics().overloaded
    assert await door.burst(admitted) == ["done"] * admitted  # who was let in is not refused any more


async def test_what_a_stream_does_after_others_had_their_turn_is_not_what_they_wait_for(shed):
    async def stream(call: Call) -> str:
        for _ in range(20):
            began = time.thread_time()
            while time.thread_time() < began + COST / 20:
                pass
            shed.gave_way(time.thread_time() - began)
            await asyncio.sleep(0)
        return "done"

    door = Door(shed)
    door.handler = compose([shed], stream)
    for _ in range(5):
        assert await door.burst(5) == ["done"] * 5
        await asyncio.sleep(0.02)
    assert 0 < shed.statistics().service < COST / 2


async def test_it_can_go_on_in_another_loop():
    shed = Shed()

    async def overload() -> list[str]:
        return await Door(shed).crowd(0.7)

    async def calm() -> list[str]:
        return await Door(shed).burst(3)

    def elsewhere() -> list[str]:
        assert "shed" in asyncio.run(overload())
        shed.stop()
        return asyncio.run(calm())

    assert await asyncio.to_thread(elsewhere) == ["done"] * 3
