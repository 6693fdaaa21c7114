"""What only a lock on a server can get wrong."""

import asyncio

import pytest

from hardy.adapters.redis import Redis, RedisLock, RedisSettings
from hardy.core import Call, Deadline, DeadlineExceeded, Operation


@pytest.fixture
def lock(redis):
    return RedisLock(redis)


async def nap() -> None: ...


async def test_tokens_rise_over_a_restart_that_keeps_the_data(lock, valkey_server, until):
    before = await lock.take("n", ttl=30, wait=0)
    await lock.release("n", before)
    valkey_server.kill()
    valkey_server.start()
    await until(lambda: lock._redis.statistics().connections == 2)
    assert await lock.take("n", ttl=30, wait=0) > before


async def test_tokens_rise_when_the_server_has_lost_everything(lock, valkey_server):
    before = await lock.take("n", ttl=30, wait=0)
    valkey_server.flush()
    assert await lock.take("n", ttl=30, wait=0) > before


async def test_tokens_rise_when_the_clock_of_the_server_was_set_back(lock, redis):
    before = await lock.take("n", ttl=30, wait=0)
    await lock.release("n", before)
    hours = 3600 * 1_000_000
    await redis.execute("SET", "lock:fence", before + hours)  # as if the last was taken by a clock an hour ahead
    first = await lock.take("n", ttl=30, wait=0)
    await lock.release("n", first)
    assert [first, await lock.take("n", ttl=30, wait=0)] == [before + hours + 1, before + hours + 2]


async def test_tokens_rise_over_all_names(lock):
    tokens = [await lock.take(f"n{n}", ttl=30, wait=0) for n in range(20)]
    assert tokens == sorted(set(tokens))


async def test_a_hold_survives_a_restart_of_the_server(lock, valkey_server, until):
    token = await lock.take("n", ttl=60, wait=0)
    valkey_server.kill()
    valkey_server.start()
    await until(lambda: lock._redis.statistics().connections == 2)
    assert await lock.take("n", ttl=30, wait=0) is None
    assert await lock.extend("n", token, ttl=60) is True
    assert await lock.release("n", token) is True


async def test_a_caller_that_leaves_while_it_takes_gives_it_back(lock):
    taking = asyncio.ensure_future(lock.take("n", ttl=60, wait=0))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await lock.take("n", ttl=60, wait=20) is not None


async def test_it_is_let_go_past_the_deadline(lock):
    async def body(call):
        call.deadline = Deadline.after(0.2)
        async with lock.hold("n", ttl=60):
            await asyncio.sleep(60)

    async def timed(call):
        asyncio.get_running_loop().call_later(0.25, call.cancel, DeadlineExceeded("late"))
        await body(call)

    call = Call(Operation.of(nap), "direct")
    with pytest.raises(DeadlineExceeded):
        await call.run(timed)
    assert await lock.take("n", ttl=60, wait=0) is not None


async def test_a_name_held_elsewhere_is_told_from_one_that_the_server_does_not_know(valkey_url):
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as one, Redis(RedisSettings(url=valkey_url)) as two:
        token = await RedisLock(one).take("n", ttl=60, wait=0)
        assert await RedisLock(two).take("n", ttl=60, wait=0) is None
        assert await RedisLock(two).release("n", token + 1) is False
        assert await RedisLock(two, prefix="other:").take("n", ttl=60, wait=0) is not None


async def test_what_became_of_attempts_is_counted(lock):
    token = await lock.take("n", ttl=60, wait=0)
    await lock.take("n", ttl=60, wait=0)
    counted = lock.statistics()
    assert (counted.held, counted.waiting, counted.taken, counted.refused) == (1, 0, 1, 1)
    await lock.release("n", token)
    assert lock.statistics().held == 0
