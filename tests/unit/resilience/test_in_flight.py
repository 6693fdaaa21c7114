"""The calls being carried out, and the clock hand that ends the late ones."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hardy.core import Call, DeadlineExceeded, Operation, Unavailable
from hardy.resilience import InFlight


@dataclass
class Item:
    number: int


async def unary() -> None: ...


async def server() -> AsyncIterator[int]:
    yield 1


async def client_(items: AsyncIterator[Item]) -> None: ...


async def bidi(items: AsyncIterator[Item]) -> AsyncIterator[int]:
    yield 1


def call_of(use_case=unary, *, timeout=None, own=None) -> Call:
    return Call(Operation.of(use_case).with_options(timeout=own), "direct", timeout=timeout)


async def carry(in_flight: InFlight, call: Call, handler) -> object:
    return await call.run(lambda call: in_flight.bound(call, handler))


async def forever(call: Call) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("use_case", "own", "asked", "allowed"),
    [
        pytest.param(unary, None, None, 30, id="the service's default"),
        pytest.param(unary, 5, None, 5, id="the operation's own"),
        pytest.param(unary, 60, None, 60, id="the operation's own is longer"),
        pytest.param(unary, 5, 1, 1, id="the caller shortens"),
        pytest.param(unary, 5, 9, 5, id="the caller cannot lengthen"),
        pytest.param(server, None, None, 30, id="a stream of replies"),
        pytest.param(client_, None, None, math.inf, id="a client's stream is as long as it is"),
        pytest.param(client_, None, 3, 3, id="unless it says how long"),
        pytest.param(bidi, None, None, math.inf, id="both ways"),
        pytest.param(bidi, 7, None, 7, id="both ways with a limit"),
    ],
)
async def test_what_a_call_may_take(use_case, own, asked, allowed):
    async def handler(call: Call) -> float:
        return call.deadline.remaining()

    call = call_of(use_case, timeout=asked, own=own)
    assert await carry(InFlight(timeout=30), call, handler) == pytest.approx(allowed, abs=0.1)


async def test_many_calls_end_each_at_its_own_deadline_by_one_timer():
    in_flight = InFlight()
    limits = [0.06, 0.02, 0.04, 60]
    calls = [call_of(timeout=limit) for limit in limits]
    tasks = [asyncio.create_task(carry(in_flight, call, forever)) for call in calls]
    ended = []
    for limit, task in zip(limits, tasks, strict=True):
        task.add_done_callback(lambda _, limit=limit: ended.append(limit))
    await asyncio.wait(tasks[:3])
    assert ended == [0.02, 0.04, 0.06]
    for task, limit in zip(tasks[:3], limits, strict=False):
        with pytest.raises(DeadlineExceeded, match=f"took longer than {limit:g} s"):
            task.result()
    assert in_flight.calls() == (calls[3],)
    assert len(in_flight) == 1
    in_flight.cancel(Unavailable("leaving"))
    with pytest.raises(Unavailable):
        await tasks[3]
    statistics = in_flight.statistics()
    assert (statistics.now, statistics.started, statistics.late) == (0, 4, 3)


async def test_a_call_that_swallows_its_cancellation_is_late_once():
    in_flight, release = InFlight(timeout=0.01), asyncio.Event()
    swallowed = []

    async def stubborn(call: Call) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                swallowed.append(1)

    stuck = asyncio.create_task(carry(in_flight, call_of(), stubborn))
    with pytest.raises(DeadlineExceeded):
        await carry(in_flight, call_of(timeout=0.03), forever)
    assert swallowed == [1]
    assert not await in_flight.wait_idle(0.01)
    release.set()
    with pytest.raises(DeadlineExceeded):
        await stuck


async def test_a_stream_that_flows_has_no_deadline_but_the_caller_s():
    in_flight = InFlight(timeout=0.02)

    async def flow(call: Call) -> str:
        in_flight.flowing(call)
        await asyncio.sleep(0.06)
        return "through"

    assert await carry(in_flight, call_of(server), flow) == "through"
    assert await carry(in_flight, call_of(bidi), flow) == "through"
    assert await carry(in_flight, call_of(server, timeout=5), flow) == "through"
    with pytest.raises(DeadlineExceeded, match=r"longer than 0\.03 s"):
        await carry(InFlightThatFlows(timeout=0.02), call_of(server, timeout=0.03), forever)


class InFlightThatFlows(InFlight):
    """Lifts the deadline at once."""

    async def bound(self, call: Call, proceed) -> object:
        async def flow(call: Call) -> object:
            self.flowing(call)
            return await proceed(call)

        return await super().bound(call, flow)


async def test_idle_is_when_the_last_call_is_over():
    in_flight, gate = InFlight(), asyncio.Event()

    async def wait(call: Call) -> None:
        await gate.wait()

    assert await in_flight.wait_idle(0)
    tasks = [asyncio.create_task(carry(in_flight, call_of(), wait)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not await in_flight.wait_idle(0)
    waiting = asyncio.create_task(in_flight.wait_idle(5))
    await asyncio.sleep(0)
    gate.set()
    assert await waiting
    await asyncio.gather(*tasks)


async def test_only_some_are_cancelled():
    in_flight = InFlight()
    calls = [call_of(unary), call_of(server)]
    tasks = [asyncio.create_task(carry(in_flight, call, forever)) for call in calls]
    await asyncio.sleep(0)
    told = in_flight.cancel(Unavailable("leaving"), only=lambda call: call.operation.kind.streams_out)
    assert list(told) == [calls[1]]
    with pytest.raises(Unavailable):
        await tasks[1]
    assert not tasks[0].done()
    in_flight.cancel(Unavailable("leaving"))
    with pytest.raises(Unavailable):
        await tasks[0]
