"""A hold is extended while it lasts, and its block ended when it does not."""

import asyncio

import pytest

from hardy.cache import LockLost, LockTaken, MemoryLock
from hardy.core import Unavailable


class Troubled(MemoryLock):
    """Cannot be reached from a moment on."""

    trouble = None
    extended = failed = 0

    async def suffer(self):
        if self.trouble == "slow":
            await asyncio.Event().wait()
        if self.trouble is not None:
            self.failed += 1
            raise self.trouble

    async def extend(self, name, token, *, ttl):
        await self.suffer()
        self.extended += 1
        return await super().extend(name, token, ttl=ttl)

    async def release(self, name, token):
        await self.suffer()
        return await super().release(name, token)


TROUBLES = pytest.mark.parametrize(
    "trouble",
    [Unavailable("down"), ConnectionResetError(), "slow"],
    ids=lambda t: t if isinstance(t, str) else type(t).__name__,
)


@TROUBLES
async def test_a_store_that_is_gone_ends_the_block_before_the_hold_ends(trouble):
    lock = Troubled()

    async def hold():
        async with lock.hold("n", ttl=0.4) as held:
            lock.trouble = trouble
            try:
                await asyncio.sleep(60)
            finally:
                assert held.lost
                with pytest.raises(LockLost):
                    held.check()

    async with asyncio.timeout(20):
        with pytest.raises(LockLost):
            await hold()
    assert asyncio.current_task().cancelling() == 0


async def test_a_store_that_comes_back_in_time_ends_nothing():
    lock = Troubled()
    async with asyncio.timeout(30), lock.hold("n", ttl=6) as held:
        lock.trouble = Unavailable("down")
        while not lock.failed:
            await asyncio.sleep(0.01)
        lock.trouble = None
        while not lock.extended:
            await asyncio.sleep(0.01)
        held.check()


@TROUBLES
async def test_a_block_that_ended_in_time_is_good_without_the_store(trouble):
    lock = Troubled()
    async with lock.hold("n", ttl=0.5):
        lock.trouble = trouble


async def test_a_cancellation_from_outside_stays_one():
    lock, inside = Troubled(), asyncio.Event()

    async def hold():
        async with lock.hold("n", ttl=60):
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await inside.wait()
    lock.trouble = Unavailable("down")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_wait_is_bounded_by_what_is_said():
    lock = MemoryLock()
    async with lock.hold("n"):

        async def other():
            async with lock.hold("n", wait=0.01):
                pytest.fail("it is held")

        with pytest.raises(LockTaken):
            await asyncio.create_task(other())


@TROUBLES
async def test_a_name_that_was_waited_for_and_cannot_be_held_is_given_back(trouble):
    lock = Troubled()
    token = await lock.take("n", ttl=60, wait=0)

    async def hold():
        async with lock.hold("n", ttl=0.5):
            pytest.fail("the store is gone")

    waiting = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    await lock.release("n", token)
    lock.trouble = trouble
    if trouble == "slow":
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
    done = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError if trouble == "slow" else type(trouble))
    assert await lock.take("n", ttl=60, wait=10)


async def test_who_waited_longest_is_next():
    lock, order = MemoryLock(), []

    async def work(n):
        async with lock.hold("n"):
            order.append(n)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(n) for n in range(20)))
    assert order == list(range(20))


async def test_a_hold_that_ran_out_is_the_next_ones(clock):
    lock = MemoryLock(clock=clock)
    first = await lock.take("n", ttl=10, wait=0)
    clock.jump(3600)
    assert await lock.take("n", ttl=10, wait=0) is None
    clock.advance(10)
    assert await lock.take("n", ttl=10, wait=0) > first
    assert await lock.extend("n", first, ttl=10) is False


async def test_names_that_nobody_holds_cost_nothing():
    lock = MemoryLock()
    for n in range(100):
        async with lock.hold(f"n{n}"):
            pass
        assert await lock.take(f"m{n}", ttl=60, wait=0)
        assert await lock.release(f"m{n}", 2 * n + 2)
    assert lock._names == {}


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
def test_a_time_to_live_that_makes_no_sense_is_refused(ttl):
    with pytest.raises(ValueError):
        MemoryLock().hold("n", ttl=ttl)
