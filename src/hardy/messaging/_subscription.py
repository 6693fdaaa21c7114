"""Deals with the events of a group in memory, several at once, each lane one by one."""

import asyncio

from hardy.core import shielded
from hardy.messaging._lane import Group, Lane
from hardy.messaging._ports import Again, Receive

_CRASHED = Again(1.0)
"""What becomes of an event whose consumer raised: it may not, so it is not hurried."""


class MemorySubscription:
    """One consumer of a group: takes a lane, deals with its first event, lets the lane go.

    Args:
        group: Where events wait.
        receive: Deals with one.
        concurrency: How many at once.
    """

    def __init__(self, group: Group, receive: Receive, concurrency: int) -> None:
        self._group = group
        self._receive = receive
        self._free = asyncio.Semaphore(concurrency)
        self._working: set[asyncio.Task[None]] = set()
        self._taking = asyncio.create_task(self._take(), name=f"hardy: events for {group.name}")

    async def _take(self) -> None:
        while True:
            await self._free.acquire()
            try:
                lane = await self._group.take()
            except BaseException:
                self._free.release()
                raise
            task = asyncio.create_task(self._deal_with(lane), name=f"hardy: an event for {self._group.name}")
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _deal_with(self, lane: Lane) -> None:
        try:
            verdict = await self._receive(lane[0])
        except asyncio.CancelledError:
            self._group.put_back(lane)
            raise
        except Exception:  # its failures are verdicts; this one is a defect of the consumer, and the event is not lost
            self._group.settle(lane, _CRASHED)
        else:
            self._group.settle(lane, verdict)
        finally:
            self._free.release()

    async def drain(self) -> None:
        """Take nothing new at once; return when what was taken is settled."""
        self._taking.cancel()
        await asyncio.wait([self._taking])
        while self._working:
            await asyncio.wait(self._working)

    async def close(self) -> None:
        """Cancel what is left, which others or a later subscription are given, and stop."""
        await shielded(self._close())

    async def _close(self) -> None:
        left = [self._taking, *self._working]
        for each in left:
            each.cancel()
        await asyncio.wait(left)
