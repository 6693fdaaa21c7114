"""What holds of every `Limiter`."""

import asyncio
import time
from math import inf

import pytest

from hardy.resilience import Rate

HOUR = 3600.0


async def test_the_burst_passes_at_once_and_no_more(at):
    rate = Rate(5, per=HOUR)
    answers = [await at.limiter.admit("ann", rate) for _ in range(7)]
    assert [each.allowed for each in answers] == [True] * 5 + [False] * 2
    assert [each.remaining for each in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert {each.limit for each in answers} == {5}


async def test_it_tells_when_the_next_may_pass_and_when_all_may_again(at):
    rate = Rate(60, per=HOUR, burst=2)
    first, second, third = [await at.limiter.admit("ann", rate) for _ in range(3)]
    assert first.retry_after is None
    assert second.reset_after == pytest.approx(120, abs=20)
    assert third.retry_after == pytest.approx(60, abs=20)
    assert third.reset_after == pytest.approx(120, abs=20)


async def test_keys_do_not_know_each_other(at):
    rate = Rate(1, per=HOUR)
    keys = ["ann", "bob", "", "a b", "ünï", "x" * 5000, "ann:bob", "{ann}"]
    assert [(await at.limiter.admit(key, rate)).allowed for key in keys] == [True] * len(keys)
    assert [(await at.limiter.admit(key, rate)).allowed for key in keys] == [False] * len(keys)


async def test_processes_count_together(at):
    rate = Rate(10, per=HOUR)
    answers = await asyncio.gather(
        *[(at.limiter if number % 2 else at.other).admit("ann", rate) for number in range(50)]
    )
    assert sum(each.allowed for each in answers) == 10


async def test_several_at_once_or_none(at):
    rate = Rate(5, per=HOUR)
    answers = [await at.limiter.admit("ann", rate, cost=cost) for cost in (3, 3, 2, 1)]
    assert [each.allowed for each in answers] == [True, False, True, False]
    assert answers[1].remaining == 2


async def test_more_than_the_burst_never_passes(at):
    refused = await at.limiter.admit("ann", Rate(5, per=HOUR), cost=6)
    assert (refused.allowed, refused.retry_after, refused.remaining) == (False, inf, 5)


async def test_what_is_refused_takes_nothing(at):
    rate = Rate(20, per=1, burst=1)
    assert (await at.limiter.admit("ann", rate)).allowed
    steps = 0
    async with asyncio.timeout(20):
        while not (await at.limiter.admit("ann", rate)).allowed:
            await at.pass_(0.01)
            steps += 1
    assert at.clock is None or steps == 5


async def test_in_the_long_run_the_rate_passes_and_never_one_more(at):
    """In whatever window: at most burst + rate * seconds, by the clock of whoever asks."""
    rate = Rate(200, per=1, burst=5)
    passed, begun = 0, time.monotonic()
    for _ in range(40):
        passed += sum([(await at.limiter.admit("ann", rate)).allowed for _ in range(5)])
        await at.pass_(0.005)
    seconds = 40 * 0.005 if at.clock else time.monotonic() - begun
    assert passed <= 5 + 200 * seconds
    if at.clock:
        assert passed == 5 + 39
