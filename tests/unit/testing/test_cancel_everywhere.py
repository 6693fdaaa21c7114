"""The tool that cancels a use case at each of its await points finds what is left behind, and says where."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hardy import App, public
from hardy.testing import cancel_everywhere


@dataclass(frozen=True)
class PoolStatistics:
    in_use: int
    served: int


class Pool:
    """Lends a thing."""

    def __init__(self) -> None:
        self.in_use = self.served = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_) -> None:
        pass

    def statistics(self) -> PoolStatistics:
        return PoolStatistics(self.in_use, self.served)


@pytest.fixture
def app() -> App:
    app = App("shop")
    app.manage(Pool())
    return app


async def test_a_use_case_that_gives_everything_back_is_cancelled_at_each_of_its_suspensions(app):
    async def careful(*, pool: Pool) -> str:
        pool.served += 1
        pool.in_use += 1
        try:
            for _ in range(3):
                await asyncio.sleep(0)
        finally:
            pool.in_use -= 1
        return "done"

    app.expose(careful, allow=public)
    tried = await cancel_everywhere(app, careful)
    assert len(tried.points) == 3
    assert "asyncio/tasks.py" in tried.points[0]


@pytest.fixture
def hasty(monkeypatch):
    """What is not given back at once is taken for lost."""
    monkeypatch.setattr("hardy.testing._cancel._SETTLE", 0.1)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("by", ["call", "client"])
async def test_what_a_pool_has_lent_is_missed_at_the_point_where_it_is_lost(app, by):
    async def careless(*, pool: Pool) -> str:
        await asyncio.sleep(0)
        pool.in_use += 1
        await asyncio.sleep(0.001)
        pool.in_use -= 1
        return "done"

    app.expose(careless, allow=public)
    with pytest.raises(AssertionError) as caught:
        await cancel_everywhere(app, careless, by=by)
    told = str(caught.value)
    assert told.startswith("careless left something behind when it was cancelled at suspension 2:\n")
    assert "test_cancel_everywhere.py" in told
    assert told.endswith("Pool.statistics().in_use: 1, was 0")


@pytest.mark.usefixtures("hasty")
async def test_a_task_that_outlives_its_call_is_missed(app):
    tasks = []

    async def forgotten() -> None:
        await asyncio.sleep(60)

    async def careless() -> str:
        task = asyncio.create_task(forgotten())
        tasks.append(task)
        await asyncio.sleep(0)
        task.cancel()
        return "done"

    app.expose(careless, allow=public)
    with pytest.raises(AssertionError, match="forgotten: 1 more"):
        await cancel_everywhere(app, careless)
    for task in tasks:
        task.cancel()


@pytest.mark.usefixtures("hasty")
async def test_a_file_that_stays_open_is_missed(app, tmp_path):
    left = []

    async def careless() -> str:
        file = (tmp_path / "left").open("w")
        left.append(file)
        await asyncio.sleep(0)
        file.close()
        return "done"

    app.expose(careless, allow=public)
    with pytest.raises(AssertionError, match=f"file descriptor {tmp_path}/left: 1 more"):
        await cancel_everywhere(app, careless)
    for file in left:
        file.close()


async def test_a_lock_that_stays_taken_hangs_the_next_call(app):
    lock = asyncio.Lock()

    async def careless() -> str:
        await lock.acquire()
        await asyncio.sleep(0)
        lock.release()
        return "done"

    app.expose(careless, allow=public)
    with pytest.raises(AssertionError, match="careless, left alone, did not end when it was cancelled at suspension 1"):
        await cancel_everywhere(app, careless, timeout=0.2)


async def test_a_use_case_that_makes_something_else_of_its_cancellation_is_still_cancelled(app):
    async def confused() -> str:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            raise ValueError("what is this?") from None
        return "done"

    app.expose(confused, allow=public)
    # The call itself says why it ended, whatever the use case makes of it.
    assert len((await cancel_everywhere(app, confused)).points) == 1


@pytest.mark.parametrize("transport", ["direct", "http"])
async def test_a_stream_is_cancelled_before_and_between_its_items(app, transport):
    from hardy.transport import http

    async def count(*, pool: Pool) -> AsyncIterator[int]:
        pool.in_use += 1
        try:
            for number in range(5):
                await asyncio.sleep(0)
                yield number
        finally:
            pool.in_use -= 1

    app.expose(count, http.get("/count"), allow=public)
    tried = await cancel_everywhere(app, count, transport=transport, by="client")
    assert len(tried.points) >= 2
