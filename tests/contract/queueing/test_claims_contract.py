"""What holds for every adapter of the port `Claims`."""

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_a_tick_is_claimed_once(claims):
    assert await claims.claim("expire", NOON)
    assert not await claims.claim("expire", NOON)


async def test_of_many_who_claim_at_once_one_has_it(claims):
    assert sum(await asyncio.gather(*(claims.claim("expire", NOON) for _ in range(20)))) == 1


async def test_ticks_and_schedules_do_not_hinder_each_other(claims):
    assert await claims.claim("expire", NOON)
    assert await claims.claim("report", NOON)
    assert await claims.claim("expire", NOON + MINUTE)
    assert await claims.claim("expire", NOON - MINUTE), "a clock that was wrong once stops nothing"


async def test_the_last_tick_is_remembered(claims):
    assert await claims.last("expire", before=NOON) is None
    await claims.claim("expire", NOON)
    await claims.claim("expire", NOON + MINUTE)
    await claims.claim("report", NOON + 5 * MINUTE)
    assert await claims.last("expire", before=NOON + 9 * MINUTE) == NOON + MINUTE
    assert await claims.last("expire", before=NOON) == NOON
    assert await claims.last("expire", before=NOON - MINUTE) is None
