"""What the tests of caches share: time that is turned by hand, and loads that are counted."""

import asyncio

import pytest

from hardy.testing import VirtualClock


class Source:
    """Stands for the database: counts who asks, waits for the gate where there is one, fails when told to."""

    def __init__(self, value=1):
        self.value = value
        self.loads = 0
        self.error = None
        self.gate = None

    async def __call__(self):
        self.loads += 1
        value = self.value
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return value


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def source():
    return Source()


@pytest.fixture(name="until")
def until_fixture():
    return until
