import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from hardy.core import Exposed, Operation, SilentLogger
from hardy.queueing import JobStore, MemoryJobs
from hardy.testing import VirtualClock
from hardy.transport import jobs


class Flaky(JobStore):
    """A store that can be down, or lose a lease, as a test says."""

    def __init__(self, store):
        self.store = store
        self.down = False
        self.calls = 0

    def __getattribute__(self, name):
        if name in {"store", "down", "calls"} or name.startswith("__"):
            return object.__getattribute__(self, name)
        found = getattr(self.store, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*given, **named):
            self.calls += 1
            if self.down:
                raise ConnectionError("the store is down")
            return await found(*given, **named)

        return call


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def store(clock):
    return Flaky(MemoryJobs(clock=clock))


@pytest.fixture
def notices():
    return []


@pytest.fixture
def serve(store, notices, clock):
    """Serve use cases: ``async with serve((send, jobs.queue("mail"))) as lane``."""

    @asynccontextmanager
    async def serve(*bound):
        exposed = [exposure(use_case, binding) for use_case, binding in bound]
        lane = jobs.Transport(exposed, store, service="orders", emit=notices.append, logger=SilentLogger(), clock=clock)
        async with lane:
            yield lane

    return serve


def exposure(use_case, binding):
    operation = Operation.of(use_case)

    async def handler(call):
        call.message = await call.receive()
        return await operation.invoke(call.message, {"call": call} if operation.needs else {})

    return Exposed(operation, binding, handler)


@pytest.fixture
def until():
    """Wait for a condition."""

    async def until(condition):
        async with asyncio.timeout(20):
            while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
                await asyncio.sleep(0.002)

    return until


@pytest.fixture
def gate():
    """Begin and end of what a use case does."""
    return SimpleNamespace(began=asyncio.Semaphore(0), go=asyncio.Event(), ended=[])
