"""Schedules are carried out at their ticks, by one of all replicas."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest

from hardy import App, Principal, internal
from hardy.app import Assembly, Service
from hardy.core import Call, Exposed, NotFound, Operation, SilentLogger
from hardy.queueing import MemoryClaims, StoreBack, StoreLost, TickMissed
from hardy.testing import VirtualClock
from hardy.transport import schedule

EVERY_MINUTE = schedule.cron("* * * * *")


class Flaky(MemoryClaims):
    """Claims that can be down, as a test says."""

    down = False
    asked = 0

    async def last(self, name, *, before):
        self.asked += 1
        return await super().last(name, before=before)

    async def claim(self, name, tick):
        if self.down:
            raise ConnectionError("the store is down")
        return await super().claim(name, tick)


class Watched(VirtualClock):
    """A clock that tells how often it was looked at."""

    looks = 0

    def now(self):
        self.looks += 1
        return super().now()


@pytest.fixture
def clock():
    return Watched()


@pytest.fixture
def claims():
    return Flaky()


@pytest.fixture
def notices():
    return []


@pytest.fixture
async def until():
    async def until(condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.002)

    return until


@pytest.fixture
def serve(clock, claims, notices, until):
    @asynccontextmanager
    async def serve(use_case, binding=EVERY_MINUTE, clock=clock):
        operation = Operation.of(use_case)

        async def handler(call):
            call.message = await call.receive()
            return await operation.invoke(call.message, {"call": call} if operation.needs else {})

        lane = schedule.Transport(
            [Exposed(operation, binding, handler)],
            claims,
            service="orders",
            emit=notices.append,
            logger=SilentLogger(),
            clock=clock,
        )
        asked, looks = claims.asked, clock.looks
        async with lane:
            await until(lambda: claims.asked > asked and clock.looks > looks + 1)  # it counts from now on
            yield lane

    return serve


async def test_each_tick_is_a_call_of_its_own(serve, clock, until):
    seen = []

    async def expire(*, call: Call) -> None:
        seen.append((call.transport, call.principal, call.peer))

    async with serve(expire) as lane:
        for number in range(1, 4):
            clock.advance(60)
            await until(lambda n=number: lane.statistics().done == n)

    assert seen == [("schedule", Principal("schedule:expire", kind="service"), "schedule:expire")] * 3


async def test_a_message_with_defaults_is_given(serve, clock, until):
    seen = []

    async def sweep(limit: int = 100) -> None:
        seen.append(limit)

    async with serve(sweep):
        clock.advance(60)
        await until(lambda: seen == [100])


async def test_of_many_replicas_one_takes_each_tick(serve, clock, until):
    ran = []

    async def expire() -> None:
        ran.append(clock.now())

    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(serve(expire)) for _ in range(5)]

        def counts():
            return [each.statistics() for each in lanes]

        for number in range(1, 4):
            clock.advance(60)
            await until(lambda n=number: sum(each.done + each.elsewhere for each in counts()) == 5 * n)
    assert len(ran) == 3


async def test_a_call_that_fails_does_not_stop_the_schedule(serve, clock, until):
    async def expire() -> None:
        raise NotFound("nothing there") if clock.monotonic() < 90 else ZeroDivisionError

    async with serve(expire) as lane:
        clock.advance(60)
        await until(lambda: lane.statistics().failed == 1)
        clock.advance(60)
        await until(lambda: lane.statistics().failed == 2)


async def test_a_tick_is_missed_while_the_one_before_still_runs(serve, clock, until, notices):
    go, began = asyncio.Event(), []

    async def expire() -> None:
        began.append(1)
        await go.wait()

    async with serve(expire) as lane:
        clock.advance(60)
        await until(lambda: began)
        clock.advance(60)
        await until(lambda: lane.statistics().missed == 1)
        go.set()
        await until(lambda: lane.statistics().done == 1)
        clock.advance(60)
        await until(lambda: lane.statistics().done == 2)
    assert [(type(each), each.reason) for each in notices] == [(TickMissed, "the one before still runs")]


async def test_a_clock_put_forward_misses_ticks_and_goes_on(serve, clock, until, notices):
    async def expire() -> None: ...

    async with serve(expire, schedule.cron("0 * * * *")) as lane:
        clock.jump(5.5 * 3600)
        await until(lambda: lane.statistics().missed == 1)
        assert notices[0].tick == datetime(2026, 1, 1, 5, tzinfo=UTC)
        clock.advance(1800)
        await until(lambda: lane.statistics().done == 1)


async def test_a_clock_put_back_repeats_nothing(serve, clock, until):
    async def expire() -> None: ...

    async with serve(expire, schedule.cron("0 * * * *")) as lane:
        clock.advance(3600)
        await until(lambda: lane.statistics().done == 1)
        clock.jump(-1800)
        looks = clock.looks
        await until(lambda: clock.looks > looks + 3)
        clock.jump(1800)
        await until(lambda: lane.statistics().elsewhere == 1)
        clock.advance(3600)
        await until(lambda: lane.statistics().done == 2)


async def test_what_was_missed_while_nobody_ran_is_made_up_for_once(serve, clock, until):
    ran = []

    async def expire() -> None:
        ran.append(clock.now())

    hourly = schedule.cron("0 * * * *", misfire="run_once")
    async with serve(expire, hourly) as lane:
        clock.advance(3600)
        await until(lambda: lane.statistics().done == 1)
    clock.advance(5.5 * 3600)
    async with serve(expire, hourly) as lane, serve(expire, hourly) as other:
        await until(lambda: lane.statistics().done + other.statistics().done == 1)
        await lane.drain()
        await other.drain()
    assert len(ran) == 2


async def test_a_tick_is_claimed_when_the_store_is_back(serve, clock, claims, until, notices):
    async def expire() -> None: ...

    async with serve(expire) as lane:
        claims.down = True
        clock.advance(60)
        await until(lambda: notices)
        claims.down = False
        await until(lambda: lane.statistics().done == 1)
        claims.down = True
        clock.advance(60)
        await until(lambda: len(notices) == 3)
        clock.advance(120)
        await until(lambda: lane.statistics().missed >= 1)
    assert [type(each) for each in notices[:4]] == [StoreLost, StoreBack, StoreLost, TickMissed]


async def test_drain_takes_no_tick_and_waits_for_what_was_begun(serve, clock, until):
    go, began = asyncio.Event(), []

    async def expire() -> None:
        began.append(1)
        await go.wait()

    async with serve(expire) as lane:
        clock.advance(60)
        await until(lambda: began)
        draining = asyncio.create_task(lane.drain())
        assert not (await asyncio.wait([draining], timeout=0.05))[0]
        clock.advance(60)
        go.set()
        await draining
        assert lane.statistics().done == 1
    assert len(began) == 1


async def test_what_runs_at_the_end_is_cancelled(serve, clock, until):
    seen = []

    async def expire() -> None:
        seen.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async with serve(expire) as lane:
        clock.advance(60)
        await until(lambda: seen)
    assert seen == ["began", "ended"]
    assert lane.statistics().in_flight == 0


async def test_a_service_carries_out_its_schedules_by_its_clock(until, clock, claims):
    ran = []

    async def expire(*, caller: Principal) -> None:
        ran.append(caller.subject)

    app = App("orders", clock=clock)
    app.manage(claims)  # a class derived from MemoryClaims is one, too
    app.expose(expire, EVERY_MINUTE, allow=internal)
    async with Service(Assembly(app)) as service:
        await until(lambda: claims.asked)
        clock.advance(60)
        await until(lambda: ran == ["schedule:expire"])
        assert service.statistics()["schedule"]["in_flight"] == 0
