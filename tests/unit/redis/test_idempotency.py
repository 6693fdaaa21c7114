"""A key is claimed once, and its outcome is kept."""

import asyncio

import pytest

from hardy.adapters.redis import RedisIdempotency
from hardy.core import Call, Deadline, DeadlineExceeded, Operation
from hardy.resilience import Claim, Claimed, Kept


@pytest.fixture
def store(redis):
    return RedisIdempotency(redis)


async def nap() -> None: ...


async def past_its_deadline(work):
    async def body(call):
        call.deadline = Deadline.after(-1)
        return await work()

    return await Call(Operation.of(nap), "direct").run(body)


async def test_of_many_at_once_one_has_the_claim(store):
    found = await asyncio.gather(*(store.begin("k", b"f%d" % n, lease=30) for n in range(100)))
    claims = [each for each in found if isinstance(each, Claim)]
    assert len(claims) == 1
    assert {each.fingerprint for each in found if isinstance(each, Claimed)} == {claims[0].fingerprint}


@pytest.mark.parametrize("outcome", [b"", b"c", bytes(range(256)) * 100], ids=["empty", "short", "binary"])
@pytest.mark.parametrize("fingerprint", [b"", b"\x00" * 64], ids=["no fingerprint", "long fingerprint"])
async def test_what_is_kept_comes_back_byte_for_byte(store, fingerprint, outcome):
    claim = await store.begin("k", fingerprint, lease=30)
    assert await store.keep(claim, outcome, lifetime=60) is True
    assert await store.begin("k", b"another", lease=30) == Kept(fingerprint, outcome)


async def test_keeping_twice_is_keeping_once(store):
    claim = await store.begin("k", b"f", lease=30)
    assert await store.keep(claim, b"outcome", lifetime=60) is True
    assert await store.keep(claim, b"outcome", lifetime=60) is True


async def test_what_was_released_can_be_claimed_at_once(store):
    claim = await store.begin("k", b"f", lease=30)
    await store.release(claim)
    await store.release(claim)
    assert isinstance(await store.begin("k", b"f", lease=30), Claim)


async def test_what_is_kept_cannot_be_released(store):
    claim = await store.begin("k", b"f", lease=30)
    await store.keep(claim, b"outcome", lifetime=60)
    await store.release(claim)
    assert await store.begin("k", b"f", lease=30) == Kept(b"f", b"outcome")


async def test_who_lost_the_claim_can_neither_keep_nor_release(store, redis):
    lost = await store.begin("k", b"f", lease=30)
    await redis.execute("DEL", "idempotency:k")  # as its lease does when it is over
    claim = await store.begin("k", b"f", lease=30)
    assert await store.keep(lost, b"mine", lifetime=60) is False
    await store.release(lost)
    assert await store.keep(claim, b"outcome", lifetime=60) is True


async def test_an_effect_whose_claim_ran_out_unnoticed_is_still_kept(store, redis):
    claim = await store.begin("k", b"f", lease=30)
    await redis.execute("DEL", "idempotency:k")
    assert await store.keep(claim, b"outcome", lifetime=60) is True


async def test_a_claim_lasts_as_long_as_its_lease_and_an_outcome_its_lifetime(store, redis):
    claim = await store.begin("k", b"f", lease=30)
    assert 29_000 < await redis.execute("PTTL", "idempotency:k") <= 30_000
    await store.keep(claim, b"outcome", lifetime=60)
    assert 59_000 < await redis.execute("PTTL", "idempotency:k") <= 60_000


async def test_a_caller_that_leaves_while_it_claims_gives_the_claim_back(store, redis, until):
    asking = asyncio.ensure_future(store.begin("k", b"f", lease=30))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(20):
        while not isinstance(await store.begin("k", b"f", lease=30), Claim):
            await asyncio.sleep(0.005)


async def test_nothing_is_begun_past_the_deadline_but_what_is_done_is_kept(store):
    with pytest.raises(DeadlineExceeded):
        await past_its_deadline(lambda: store.begin("k", b"f", lease=30))
    claim = await store.begin("another", b"f", lease=30)
    assert await past_its_deadline(lambda: store.keep(claim, b"outcome", lifetime=60)) is True
    claim = await store.begin("third", b"f", lease=30)
    await past_its_deadline(lambda: store.release(claim))
    assert isinstance(await store.begin("third", b"f", lease=30), Claim)


async def test_what_it_said_is_counted(store):
    claim = await store.begin("k", b"f", lease=30)
    await store.begin("k", b"f", lease=30)
    await store.keep(claim, b"outcome", lifetime=60)
    await store.begin("k", b"f", lease=30)
    counted = store.statistics()
    assert (counted.claimed, counted.kept, counted.found, counted.refused) == (1, 1, 1, 1)
