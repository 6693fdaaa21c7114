"""A budget ends what takes too long, and forgives what is late through no fault of its own."""

import asyncio
import socket
import time

import pytest

from hardy.cache._budget import Budget


async def test_what_takes_too_long_ends():
    with pytest.raises(TimeoutError):
        with Budget(0.01):
            await asyncio.Event().wait()
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_what_ends_in_time_is_left_alone():
    with Budget(60):
        await asyncio.sleep(0)
    with pytest.raises(KeyError):
        with Budget(60):
            raise KeyError("x")


async def test_an_answer_that_the_busy_loop_has_not_read_yet_counts():
    here, there = socket.socketpair()
    here.setblocking(False)
    loop = asyncio.get_running_loop()

    def answer_while_busy():
        there.send(b"x")
        time.sleep(0.05)

    with here, there, Budget(0.02):
        loop.call_soon(answer_while_busy)
        assert await loop.sock_recv(here, 1) == b"x"


async def test_a_cancellation_from_outside_stays_one():
    async def work():
        with Budget(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_budgets_nest():
    with pytest.raises(TimeoutError):
        with Budget(60), Budget(0.01):
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):
        with Budget(0.01), Budget(60):
            await asyncio.Event().wait()
