"""A process that is killed around its commit: what it had done is answered, what it had not is done."""

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    return request.param


@pytest.fixture
async def killed(tills, process):
    """Call a process that dies of it."""

    async def killed(when):
        running, port = await process(tills.database.settings.url)
        async with tills.http() as survivor, type(survivor)(port) as dying:
            with pytest.raises((EOFError, ConnectionError)):
                await dying.pay("k", amount=5, note=f"die {when} the commit")
            assert await running.wait() == -9
            return await tills.payments()

    return killed


async def test_what_was_done_before_the_end_is_answered_and_not_done_again(tills, killed):
    assert await killed("after") == 1
    async with tills.http() as survivor, tills.http(1) as other:
        answers = [await each.pay("k", amount=5, note="die after the commit") for each in (survivor, other)]
    assert [(each.status, each.replayed) for each in answers] == [(201, True)] * 2
    assert answers[0].body == answers[1].body
    assert await tills.payments() == 1


async def test_what_was_not_committed_is_done_when_it_comes_again(tills, killed):
    assert await killed("before") == 0
    async with tills.http() as survivor:
        answers = [await survivor.pay("k", amount=5, note="die before the commit") for _ in range(2)]
    assert [(each.status, each.replayed) for each in answers] == [(201, False), (201, True)]
    assert await tills.payments() == 1
