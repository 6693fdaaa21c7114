"""Of all candidates one leads; when it stops, fails or loses the lock, another does."""

import asyncio
import io
import json

import pytest

from hardy.cache import LeadershipGained, LeadershipLost, MemoryLock, leader
from hardy.core import Notices, TaskFailed
from hardy.telemetry import make_logger


class Work:
    """What the leader does: until it is told to end or to fail."""

    def __init__(self):
        self.inside = 0
        self.most = 0
        self.tokens = []
        self.end = asyncio.Event()
        self.error = None

    async def __call__(self, held):
        self.tokens.append(held.token)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.end.wait()
            if self.error is not None:
                error, self.error = self.error, None
                self.end.clear()
                raise error
        finally:
            self.inside -= 1


async def test_one_candidate_leads_and_the_next_takes_over(until):
    lock, work = MemoryLock(), Work()
    candidates = [leader("clean", work, lock=lock) for _ in range(3)]
    for candidate in candidates:
        await candidate.__aenter__()
    for term in (1, 2, 3):
        await until(lambda term=term: len(work.tokens) == term)
        leading = [candidate for candidate in candidates if candidate.statistics().leading]
        assert len(leading) == 1
        await leading[0].drain()
        assert work.inside <= 1
    for candidate in candidates:
        await candidate.__aexit__(None, None, None)
    assert work.most == 1
    assert work.tokens == sorted(set(work.tokens))
    assert lock.statistics().held == 0


async def test_one_whose_work_fails_tries_again(until):
    lock, work, told = MemoryLock(), Work(), []
    candidate = leader("clean", work, lock=lock)
    notices = Notices()
    notices.listen(told.append)
    candidate.wire(notices=notices)
    async with candidate:
        await until(lambda: work.inside)
        work.error = KeyError("x")
        work.end.set()
        await until(lambda: len(work.tokens) == 2)
    assert [type(notice) for notice in told] == [
        LeadershipGained,
        LeadershipLost,
        TaskFailed,
        LeadershipGained,
        LeadershipLost,
    ]
    assert told[0].fence < told[3].fence


async def test_the_log_tells_the_fencing_token_of_a_term(until):
    lock, work, lines, notices = MemoryLock(), Work(), io.StringIO(), Notices()
    logger = make_logger(format="json", stream=lines)
    notices.listen(lambda told: logger.info(told.says, name=told.name, fence=told.fence), LeadershipGained)
    candidate = leader("clean", work, lock=lock)
    candidate.wire(notices=notices)
    async with candidate:
        await until(lambda: work.inside)
    assert json.loads(lines.getvalue())["fence"] == work.tokens[0]


async def test_one_that_lost_the_lock_is_cancelled_and_waits_for_its_turn(until):
    lock, work = MemoryLock(), Work()
    async with leader("clean", work, lock=lock, ttl=1.5) as candidate:
        await until(lambda: work.inside)
        await lock.release("leader clean", work.tokens[0])
        other = await lock.take("leader clean", ttl=60, wait=5)
        await until(lambda: not work.inside)
        assert candidate.statistics().leading is False
        await lock.release("leader clean", other)
        await until(lambda: work.inside)
    assert candidate.statistics().terms == 2


async def test_one_whose_work_returns_is_done(until):
    lock, runs = MemoryLock(), []

    async def once(held):
        runs.append(held.token)

    async with leader("migrate", once, lock=lock) as candidate:
        await until(lambda: runs)
        await lock.take("leader migrate", ttl=60, wait=5)
    assert runs == [1]
    assert candidate.statistics().terms == 1


async def test_the_lock_may_come_from_the_app(until):
    work = Work()
    candidate = leader("clean", work)
    with pytest.raises(RuntimeError, match="no lock"):
        await candidate.__aenter__()
    candidate.wire(lock=MemoryLock())
    async with candidate:
        await until(lambda: work.inside)
    assert candidate.process_local


def test_without_a_lock_of_its_own_it_is_as_local_as_the_app_says():
    assert leader("clean", Work()).process_local is False
