"""The first signal asks, the second insists, and afterwards all is as it was."""

import asyncio
import os
import signal
import threading

import pytest

from hardy.lifecycle import Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_the_first_signal_asks_to_drain(number):
    async with Signals() as signals:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(signals.drain.wait(), 5)
        assert not signals.force.is_set()
    assert signals.received == (number.name,)


async def test_the_second_signal_insists():
    async with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(signals.drain.wait(), 5)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(signals.force.wait(), 5)
    assert signals.received == ("SIGTERM", "SIGINT")


async def test_the_handlers_of_before_are_put_back():
    seen = []

    def own(number: int, frame: object) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGTERM, own)
    try:
        async with Signals():
            assert signal.getsignal(signal.SIGTERM) is not own
        assert signal.getsignal(signal.SIGTERM) is own
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_other_signals_can_be_chosen():
    async with Signals(signal.SIGUSR1) as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(signals.drain.wait(), 5)


def test_outside_the_main_thread_it_is_refused():
    caught = []

    async def listen() -> None:
        async with Signals():
            pass

    def run() -> None:
        with pytest.raises(RuntimeError, match="only be listened to in the main thread") as error:
            asyncio.run(listen())
        caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert caught
