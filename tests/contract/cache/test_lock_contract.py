"""What holds for every adapter of the port `Lock`."""

import asyncio

import pytest

from hardy.cache import LockLost, LockTaken
from hardy.core import Call, Deadline, DeadlineExceeded, Operation


async def test_a_name_has_one_holder(lock):
    token = await lock.take("n", ttl=30, wait=0)
    assert token is not None
    assert await lock.take("n", ttl=30, wait=0) is None
    assert await lock.take("another", ttl=30, wait=0) is not None


async def test_tokens_rise_with_every_holder(lock):
    tokens = []
    for _ in range(10):
        tokens.append(await lock.take("n", ttl=30, wait=0))
        assert await lock.release("n", tokens[-1]) is True
    assert tokens == sorted(set(tokens))


async def test_tokens_rise_after_a_hold_ran_out(lock):
    first = await lock.take("n", ttl=0.05, wait=0)
    second = await lock.take("n", ttl=30, wait=10)
    assert second > first


async def test_only_the_holder_can_release(lock):
    token = await lock.take("n", ttl=30, wait=0)
    assert await lock.release("n", token + 1) is False
    assert await lock.release("n", token - 1) is False
    assert await lock.take("n", ttl=30, wait=0) is None
    assert await lock.release("n", token) is True
    assert await lock.release("n", token) is False


async def test_who_held_before_cannot_release_or_extend(lock):
    old = await lock.take("n", ttl=0.05, wait=0)
    new = await lock.take("n", ttl=30, wait=10)
    assert await lock.release("n", old) is False
    assert await lock.extend("n", old, ttl=30) is False
    assert await lock.take("n", ttl=30, wait=0) is None
    assert await lock.extend("n", new, ttl=30) is True


async def test_a_hold_that_ran_out_cannot_be_extended(lock):
    token = await lock.take("n", ttl=0.05, wait=0)
    async with asyncio.timeout(10):
        while (again := await lock.take("n", ttl=30, wait=0)) is None:
            await asyncio.sleep(0.01)
    await lock.release("n", again)
    assert await lock.extend("n", token, ttl=30) is False


async def test_waiting_ends_with_the_release(lock):
    token = await lock.take("n", ttl=30, wait=0)
    waiting = asyncio.create_task(lock.take("n", ttl=30, wait=30))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await lock.release("n", token)
    async with asyncio.timeout(10):
        assert await waiting > token


async def test_a_cancelled_waiter_has_taken_nothing(lock):
    token = await lock.take("n", ttl=30, wait=0)
    waiting = [asyncio.create_task(lock.take("n", ttl=30, wait=30)) for _ in range(5)]
    await asyncio.sleep(0.02)
    await lock.release("n", token)
    for task in waiting:
        task.cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    for token in done:
        if isinstance(token, int):
            assert await lock.release("n", token)
    async with asyncio.timeout(10):
        assert await lock.take("n", ttl=30, wait=5) is not None


async def test_blocks_never_overlap(lock):
    inside, most, tokens = 0, 0, []

    async def work():
        nonlocal inside, most
        async with lock.hold("n", ttl=30, wait=30) as held:
            tokens.append(held.token)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 1
    assert len(tokens) == 20
    assert tokens == sorted(set(tokens))


async def test_a_hold_that_is_extended_lasts_longer_than_its_time_to_live(lock):
    token = await lock.take("by hand", ttl=2.4, wait=0)
    async with lock.hold("held", ttl=2.4) as held:
        assert await lock.extend("by hand", token, ttl=60) is True
        others = (lock.take(name, ttl=30, wait=2.6) for name in ("by hand", "held"))
        assert await asyncio.gather(*others) == [None, None]
        held.check()
    assert await lock.take("held", ttl=30, wait=0) is not None


async def test_the_holder_is_cancelled_when_the_hold_is_lost(lock):
    async def hold():
        async with lock.hold("n", ttl=0.6) as held:
            await lock.release("n", held.token)  # as an operator does who deletes it by hand
            await asyncio.sleep(60)

    async with asyncio.timeout(20):
        with pytest.raises(LockLost):
            await hold()
    assert asyncio.current_task().cancelling() == 0


async def test_a_block_that_ends_after_the_loss_says_so(lock):
    with pytest.raises(LockLost):
        async with lock.hold("n", ttl=30) as held:
            await lock.release("n", held.token)


async def test_an_error_of_the_block_is_raised_and_the_name_released(lock):
    with pytest.raises(KeyError):
        async with lock.hold("n", ttl=30):
            raise KeyError("x")
    assert await lock.take("n", ttl=30, wait=0) is not None


async def test_a_cancelled_block_releases_the_name(lock):
    holding = asyncio.Event()

    async def hold():
        async with lock.hold("n", ttl=30):
            holding.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await holding.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await lock.take("n", ttl=30, wait=0) is not None


async def test_who_does_not_want_to_wait_is_told(lock):
    await lock.take("n", ttl=30, wait=0)
    with pytest.raises(LockTaken):
        async with lock.hold("n", ttl=30, wait=0):
            pytest.fail("it is held")


async def test_the_deadline_of_the_call_bounds_the_wait(lock):
    async def nap() -> None: ...

    async def body(call):
        call.deadline = Deadline.after(0.1)
        async with lock.hold("n", ttl=30):
            pytest.fail("it is held")

    await lock.take("n", ttl=30, wait=0)
    with pytest.raises(DeadlineExceeded):
        await Call(Operation.of(nap), "direct").run(body)


async def test_holding_twice_in_one_task_is_a_mistake(lock):
    async with lock.hold("n", ttl=30):
        with pytest.raises(RuntimeError, match="holds lock `n` already"):
            async with lock.hold("n", ttl=30):
                pytest.fail("it would wait for itself")
        async with lock.hold("another", ttl=30):
            pass
