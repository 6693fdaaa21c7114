"""What holds of every `IdempotencyStore`."""

import asyncio
from contextlib import suppress

import pytest

from hardy.core import Aborted
from hardy.resilience import Claim, Claimed, Kept

FIVE, SIX = b"5 EUR", b"6 EUR"
DAY = 86400.0


async def begin(at, key="k", message=FIVE, *, lease=30.0, store=None):
    """Begin in a transaction of its own, which is then over."""
    async with at.scope() as session:
        return await (store or at.store).begin(key, message, lease=lease, within=session)


async def carry_out(at, key="k", message=FIVE, outcome=b"paid", *, lifetime=DAY, store=None):
    """Begin, keep and release, as a call does."""
    store = store or at.store
    async with at.scope() as session:
        begun = await store.begin(key, message, lease=30, within=session)
        if not isinstance(begun, Claim):
            return begun
        if at.in_transaction:
            await store.keep(begun, outcome, lifetime=lifetime, within=session)
    if at.in_transaction:
        await store.release(begun)
    else:
        assert await store.keep(begun, outcome, lifetime=lifetime)
    return begun


async def test_the_first_call_claims_its_key(at):
    claim = await begin(at)
    assert isinstance(claim, Claim)
    assert (claim.key, claim.fingerprint) == ("k", FIVE)


async def test_while_the_claim_lasts_others_are_told_whose_message_it_is(at):
    async with at.scope() as session:
        claim = await at.store.begin("k", FIVE, lease=30, within=session)
        for message in (FIVE, SIX):
            held = await begin(at, message=message)
            assert isinstance(held, Claimed)
            assert held.fingerprint == FIVE
            assert 0 < held.retry_after <= 1
    await at.store.release(claim)


async def test_what_was_kept_is_found_with_its_fingerprint(at):
    outcome = bytes(range(256)) * 40
    await carry_out(at, outcome=outcome)
    for message in (FIVE, SIX):
        assert await begin(at, message=message) == Kept(FIVE, outcome)


async def test_another_process_finds_it_too(at):
    await carry_out(at)
    assert await begin(at, store=at.other) == Kept(FIVE, b"paid")


async def test_who_asks_for_an_outcome_is_in_nobodys_way(at):
    await carry_out(at)
    asked = await asyncio.gather(*[begin(at, store=at.other if number % 2 else at.store) for number in range(30)])
    assert asked == [Kept(FIVE, b"paid")] * 30


async def test_keys_do_not_know_each_other(at):
    await carry_out(at, "one", outcome=b"1")
    assert isinstance(await carry_out(at, "two", outcome=b"2"), Claim)
    assert [(await begin(at, key)).outcome for key in ("one", "two")] == [b"1", b"2"]


async def test_a_released_key_is_free_at_once(at):
    async with at.scope() as session:
        claim = await at.store.begin("k", FIVE, lease=30, within=session)
    await at.store.release(claim)
    assert isinstance(await begin(at, message=SIX), Claim)


async def test_releasing_what_is_kept_or_released_changes_nothing(at):
    claim = await carry_out(at)
    await at.store.release(claim)
    await at.store.release(claim)
    assert await begin(at) == Kept(FIVE, b"paid")


async def test_releasing_an_old_claim_leaves_the_new_one_alone(at):
    async with at.scope() as session:
        old = await at.store.begin("k", FIVE, lease=30, within=session)
    await at.store.release(old)
    async with at.scope() as session:
        await at.store.begin("k", FIVE, lease=30, within=session)
        await at.store.release(old)
        assert isinstance(await begin(at), Claimed)


async def test_of_many_at_once_one_has_the_claim(at):
    if at.clock is not None and at.database is not None and at.database.worker_local:
        pytest.skip("a database in memory carries out one transaction after the other")
    gate = asyncio.Event()
    claims = []

    async def attempt(number):
        store = at.store if number % 2 else at.other
        async with at.scope() as session:
            begun = await store.begin("k", FIVE, lease=30, within=session)
            if isinstance(begun, Claim):
                claims.append((store, begun))
                await gate.wait()
                if at.in_transaction:
                    await store.keep(begun, b"paid", lifetime=DAY, within=session)
            return begun

    running = [asyncio.create_task(attempt(number)) for number in range(20)]
    holders = 2 if at.database is not None and at.database.dialect == "sqlite" else 1  # each knows its own claims
    async with asyncio.timeout(20):
        while sum(each.done() for each in running) < 20 - holders or len(claims) < holders:
            await asyncio.sleep(0.001)
    gate.set()
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert sum(isinstance(each, Claim) for each in ended) == 1
    assert sum(isinstance(each, Aborted) for each in ended) == holders - 1
    for store, claim in claims:
        await store.release(claim)


async def test_an_outcome_is_forgotten_when_its_time_is_over(at, until):
    await carry_out(at, lifetime=0.2)
    at.pass_(0.21)
    assert isinstance(await until(lambda: begin(at, message=SIX), Claim), Claim)


async def test_what_has_expired_gives_way_to_the_next_outcome(at, until):
    await carry_out(at, lifetime=0.2)
    at.pass_(0.21)
    await until(lambda: carry_out(at, message=SIX, outcome=b"paid again"), Claim)
    assert await begin(at) == Kept(SIX, b"paid again")


async def test_an_outcome_without_a_transaction_is_kept_by_itself(at):
    """That of an error, whose transaction was undone."""
    async with at.scope() as session:
        claim = await at.store.begin("k", FIVE, lease=30, within=session)
    assert await at.store.keep(claim, b"broke", lifetime=DAY)
    await at.store.release(claim)
    assert await begin(at, store=at.other) == Kept(FIVE, b"broke")


async def test_a_begin_that_is_cancelled_leaves_no_claim_for_ever(at, until):
    with suppress(Aborted):  # a transaction whose statement was broken off is lost
        async with at.scope() as session:
            trying = asyncio.create_task(at.store.begin("k", FIVE, lease=0.2, within=session))
            await asyncio.sleep(0)
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
    if trying.cancelled() or not isinstance(trying.result(), Claim):
        at.pass_(0.21)
    else:
        await at.store.release(trying.result())
    assert isinstance(await until(lambda: begin(at), Claim), Claim)


class TestAStoreOfItsOwn:
    @pytest.fixture(autouse=True)
    def own(self, at):
        if at.in_transaction:
            pytest.skip("it writes in the transaction")

    async def test_a_claim_ends_by_itself(self, at, until):
        await begin(at, lease=0.2)
        at.pass_(0.21)
        assert isinstance(await until(lambda: begin(at, message=SIX), Claim), Claim)

    async def test_who_lost_the_claim_to_another_keeps_nothing(self, at, until):
        lost = await begin(at, lease=0.1)
        at.pass_(0.11)
        new = await until(lambda: begin(at, message=SIX), Claim)
        assert await at.store.keep(lost, b"late", lifetime=DAY) is False
        await at.store.release(lost)
        assert isinstance(await begin(at), Claimed)
        assert await at.store.keep(new, b"paid", lifetime=DAY) is True
        assert await at.store.keep(lost, b"late", lifetime=DAY) is False
        assert await begin(at) == Kept(SIX, b"paid")

    async def test_who_lost_the_claim_to_nobody_keeps_its_outcome(self, at, until):
        late = await begin(at, lease=0.001)
        at.pass_(0.01)
        assert await at.store.keep(late, b"paid", lifetime=DAY) is True
        assert await begin(at) == Kept(FIVE, b"paid")


class TestAStoreInTheTransaction:
    @pytest.fixture(autouse=True)
    def within(self, at):
        if not at.in_transaction:
            pytest.skip("it is a store of its own")

    async def test_what_is_undone_was_never_kept(self, at):
        with pytest.raises(ZeroDivisionError):
            async with at.scope() as session:
                claim = await at.store.begin("k", FIVE, lease=30, within=session)
                await at.store.keep(claim, b"paid", lifetime=DAY, within=session)
                raise ZeroDivisionError
        await at.store.release(claim)
        assert isinstance(await begin(at, message=SIX), Claim)

    async def test_a_process_that_is_gone_leaves_no_claim(self, at):
        async with at.scope() as session:
            await at.other.begin("k", FIVE, lease=3600, within=session)  # and is never heard of again
        assert isinstance(await begin(at), Claim)

    async def test_what_another_process_has_committed_meanwhile_wins(self, at):
        if at.database.worker_local:
            pytest.skip("nobody else has a database in memory")
        claim = Claim("k", FIVE, "token")  # made when nothing was known of the other
        await carry_out(at, message=SIX, outcome=b"first", store=at.other)
        with pytest.raises(Aborted):
            async with at.scope() as session:
                await at.store.keep(claim, b"second", lifetime=DAY, within=session)
        assert await begin(at) == Kept(SIX, b"first")

    async def test_what_has_expired_is_deleted(self, at):
        for number in range(5):
            await carry_out(at, f"k{number}", lifetime=10 + number)
        at.pass_(12.5)
        assert await at.store.forget() == 3
        assert await at.store.forget() == 0
        counted = at.store.statistics()
        assert (counted.claims, counted.kept, counted.forgotten) == (0, 5, 3)
