"""The queues of one group in memory: a lane for each key, of which one event at a time is out."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from hardy.messaging._ports import Again, Dead, Delivery, Verdict

Lane = deque[Delivery]
"""The events of one key, the first of them being dealt with or next."""


class Group:
    """What waits for one group of consumers.

    Args:
        name: The group's.
        die: Told of each event that is given up.
    """

    def __init__(self, name: str, die: Callable[[Delivery, Dead], None]) -> None:
        self.name = name
        self.waiting = 0
        self.delivered = 0
        self.emptied = asyncio.Event()
        """Set while nothing waits."""
        self.emptied.set()
        self._die = die
        self._lanes: dict[str, Lane] = {}
        self._ready: asyncio.Queue[Lane] = asyncio.Queue()

    def add(self, delivery: Delivery) -> None:
        """Put an event behind those of its key."""
        self.waiting += 1
        self.emptied.clear()
        key = delivery.envelope.key
        if key is None:
            self._ready.put_nowait(deque([delivery]))
            return
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            self._ready.put_nowait(lane)
        lane.append(delivery)

    async def take(self) -> Lane:
        """Return a lane whose first event nobody deals with; it is the caller's until it is settled."""
        lane = await self._ready.get()
        self.delivered += 1
        return lane

    def put_back(self, lane: Lane) -> None:
        """Let somebody else take the lane: nothing was done."""
        self._ready.put_nowait(lane)

    def settle(self, lane: Lane, verdict: Verdict) -> None:
        """Do as the *verdict* on the lane's first event says."""
        if isinstance(verdict, Again):
            lane[0] = replace(lane[0], attempt=lane[0].attempt + 1)
            asyncio.get_running_loop().call_later(verdict.delay, self.put_back, lane)
            return
        delivery = lane.popleft()
        if isinstance(verdict, Dead):
            self._die(delivery, verdict)
        if lane:
            self._ready.put_nowait(lane)
        elif delivery.envelope.key is not None:
            del self._lanes[delivery.envelope.key]
        self.waiting -= 1
        if not self.waiting:
            self.emptied.set()
