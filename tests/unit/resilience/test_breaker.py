"""A breaker by its table: the behaviour documented for gobreaker, in steps of our own."""

import asyncio

import pytest

from hardy.core import NotFound, Told, Unavailable
from hardy.resilience import (
    Breaker,
    BreakerClosed,
    BreakerCounts,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerRefused,
    BreakerReopened,
    Trip,
    consecutive_failures,
    failure_ratio,
)
from hardy.testing import VirtualClock


async def fail():
    raise ConnectionResetError


async def succeed():
    return "ok"


async def answer_no():
    raise NotFound("no")


async def get_cancelled():
    raise asyncio.CancelledError


STEPS = {"f": fail, "s": succeed, "n": answer_no, "c": get_cancelled}


async def walk(breaker, clock, steps):
    """Take *steps*: a letter is a call, a number so many seconds; return the state after each call, ``!`` where refused."""
    seen = []
    for step in steps.split():
        if step not in STEPS:
            clock.advance(float(step))
            continue
        try:
            await breaker.call(STEPS[step])
        except BreakerRefused:
            seen.append("!")
            continue
        except (ConnectionResetError, NotFound, asyncio.CancelledError):
            pass
        seen.append({"closed": "C", "open": "O", "half-open": "H"}[breaker.state])
    return "".join(seen)


@pytest.mark.parametrize(
    ("options", "steps", "expected"),
    [
        ({}, "s s s", "CCC"),
        ({}, "f f s", "CCC"),
        ({}, "f f f s", "CCO!"),
        ({}, "f f s f f s", "CCCCCC"),
        ({}, "f f n f f f", "CCCCCO"),
        ({}, "f c f c f", "CCCCO"),
        ({}, "f f f 9.9 s 0.1 s", "CCO!C"),
        ({}, "f f f 10 s f f f", "CCOCCCO"),
        ({}, "f f f 10 f s 9.9 s 0.1 s", "CCOO!!C"),
        ({"trials": 2}, "f f f 10 s s", "CCOHC"),
        ({"trials": 2}, "f f f 10 s f s", "CCOHO!"),
        ({"trials": 2}, "f f f 10 c c c s s", "CCOHHHHC"),
        ({"trials": 3}, "f f f 10 s n s", "CCOHHC"),
        ({"trip": failure_ratio(0.5, least=4)}, "f f f f", "CCCO"),
        ({"trip": failure_ratio(0.5, least=4)}, "f f s s f", "CCCCO"),
        ({"trip": failure_ratio(0.5, least=4)}, "s s s f f s f", "CCCCCCC"),
        ({"trip": failure_ratio(0.5, least=4)}, "s s s f f f", "CCCCCO"),
        ({"trip": failure_ratio(0.5, least=4, window=10)}, "f f f 11 f f f f", "CCCCCCO"),
        ({"trip": failure_ratio(0.5, least=4, window=10)}, "f f 5 f 4 f", "CCCO"),
        ({"trip": failure_ratio(0.5, least=4, window=10)}, "f f 5 f 6 f f", "CCCCC"),
        ({"trip": Trip(lambda counts: counts.consecutive_failures >= 2, window=10)}, "f 5 f", "CO"),
        ({"trip": Trip(lambda counts: counts.consecutive_failures >= 2, window=10)}, "f 20 f f", "CCO"),
        ({"is_successful": lambda error: True}, "f f f f", "CCCC"),
        ({"is_successful": lambda error: False}, "n n n", "CCO"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_the_states_follow_the_table(options, steps, expected):
    clock = VirtualClock()
    options = {"trip": consecutive_failures(3), **options}
    breaker = Breaker("peer", open_for=10, clock=clock, **options)
    assert await walk(breaker, clock, steps) == expected


async def test_each_change_of_state_is_told_once():
    told, clock = [], VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=10, emit=told.append, clock=clock)
    await walk(breaker, clock, "f s s 10 f 10 s s")
    assert [type(notice) for notice in told] == [
        BreakerOpened,
        BreakerHalfOpened,
        BreakerReopened,
        BreakerHalfOpened,
        BreakerClosed,
    ]
    assert isinstance(told[0].error, ConnectionResetError)
    assert told[0].counts == BreakerCounts(requests=1, failures=1, consecutive_failures=1)
    assert told[-1].seconds == 20
    assert {notice.name for notice in told} == {"peer"}


async def test_a_refusal_says_when_to_come_again():
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=10, clock=clock)
    await walk(breaker, clock, "f 4")
    with pytest.raises(BreakerRefused) as refused:
        await breaker.call(succeed)
    assert isinstance(refused.value, Unavailable)
    assert refused.value.retry_after == 6
    assert refused.value.reason == "breaker_open"


@pytest.mark.parametrize("calls", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("trials", [1, 7])
async def test_half_open_lets_through_no_more_than_its_trials(calls, trials):
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=1, trials=trials, clock=clock)
    await walk(breaker, clock, "f 1")
    inside, gate = 0, asyncio.Event()

    async def trial():
        nonlocal inside
        inside += 1
        await gate.wait()

    tasks = [asyncio.create_task(breaker.call(trial)) for _ in range(calls)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert inside == trials
    gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, BreakerRefused) for each in done) == calls - trials
    assert breaker.state == "closed"
    assert breaker.statistics().refused == calls - trials


async def test_of_many_trials_one_after_the_other_no_more_are_let_through():
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=1, trials=3, clock=clock)
    await walk(breaker, clock, "f 1")
    gate, order = asyncio.Event(), []

    async def slow():
        order.append("slow")
        await gate.wait()

    held = asyncio.create_task(breaker.call(slow))
    await asyncio.sleep(0)
    assert await walk(breaker, clock, "s s s s") == "HH!!"
    gate.set()
    await held
    assert breaker.state == "closed"


async def test_a_call_of_an_earlier_state_says_nothing_about_this_one():
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=1, clock=clock)
    gate = asyncio.Event()

    async def late():
        await gate.wait()
        raise ConnectionResetError

    task = asyncio.create_task(breaker.call(late))
    await asyncio.sleep(0)
    await walk(breaker, clock, "f 1 s")
    gate.set()
    await asyncio.gather(task, return_exceptions=True)
    assert breaker.state == "closed"
    assert breaker.statistics().counts == BreakerCounts()


async def test_a_cancelled_call_is_no_failure():
    breaker = Breaker("peer", trip=consecutive_failures(1))
    task = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert breaker.state == "closed"
    assert breaker.statistics().counts == BreakerCounts()


async def test_as_a_block_it_counts_each_task_by_itself():
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(2), open_for=1, clock=clock)

    async def work(error):
        async with breaker:
            async with breaker:
                await asyncio.sleep(0)
            if error:
                raise ConnectionResetError

    await asyncio.gather(*(work(n % 2) for n in range(4)), return_exceptions=True)
    counts = breaker.statistics().counts
    assert (counts.requests, counts.successes, counts.failures) == (8, 6, 2)
    assert not breaker._entered


async def test_setting_the_clock_changes_nothing():
    clock = VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=10, clock=clock)
    await walk(breaker, clock, "f")
    clock.jump(3600)
    assert breaker.state == "open"
    clock.jump(-7200)
    clock.advance(10)
    assert breaker.state == "half-open"


async def test_the_log_is_told_of_an_outage_once_however_long_it_is():
    told, clock = [], VirtualClock()
    breaker = Breaker("peer", trip=consecutive_failures(1), open_for=10, emit=told.append, clock=clock)
    await walk(breaker, clock, "f" + " 10 f" * 50 + " 10 s")
    assert [type(notice) for notice in told if isinstance(notice, Told)] == [BreakerOpened, BreakerClosed]
    assert told[-1].seconds == 510
