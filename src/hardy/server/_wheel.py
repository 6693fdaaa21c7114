"""One timer for all connections of a server.

A connection keeps the time at which it is due in an attribute, which costs
nothing to move. The wheel looks at it only when its slot comes up, and puts it
into a later slot if it is not due yet. A connection that serves a thousand
requests a second is thus looked at about once per timeout.

A slot comes up at its beginning, so a connection is due up to one tick early,
never late.
"""

import asyncio
import heapq
import math
from collections.abc import Callable
from typing import Protocol

TICK = 0.05
"""Seconds a slot spans."""


class Timed(Protocol):
    """What a wheel watches.

    Attributes:
        due: When to call `on_due`; infinity for never.
        slot: The wheel's own note, -1 at first.
    """

    due: float
    slot: int

    def on_due(self, now: float) -> None:
        """Act, and set ``due`` anew."""
        ...


class Wheel:
    """Calls `Timed.on_due` of whatever it watches.

    Args:
        clock: Seconds, never going back.
        call_at: Has `turn` called at a time; None leaves that to the owner,
            as tests with a clock of their own do.
        on_error: Told what an ``on_due`` raised; time goes on.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        call_at: Callable[[float, Callable[[], None]], asyncio.TimerHandle] | None,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.clock = clock
        self._call_at = call_at
        self._on_error = on_error
        self._slots: dict[int, set[Timed]] = {}
        self._order: list[int] = []
        self._handle: asyncio.TimerHandle | None = None

    def watch(self, item: Timed) -> None:
        """See to it that *item* is looked at when it is due. Call it whenever ``due`` came nearer."""
        if item.due == math.inf:
            return
        slot = int(item.due / TICK)
        if item.slot >= 0:
            if item.slot <= slot:
                return
            self._slots[item.slot].discard(item)
        item.slot = slot
        waiting = self._slots.get(slot)
        if waiting is not None:
            waiting.add(item)
            return
        self._slots[slot] = {item}
        heapq.heappush(self._order, slot)
        if self._order[0] == slot:
            self._arm()

    def forget(self, item: Timed) -> None:
        """Never call *item* again, and keep nothing of it."""
        item.due = math.inf
        if item.slot >= 0:
            self._slots[item.slot].discard(item)
            item.slot = -1

    def stop(self) -> None:
        """Forget everything."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._slots.clear()
        self._order.clear()

    def turn(self) -> None:
        """Look at every item whose slot has come."""
        now = self.clock()
        ripe = int(now / TICK)
        items: list[Timed] = []
        while self._order and self._order[0] <= ripe:
            items.extend(self._slots.pop(heapq.heappop(self._order)))
        for item in items:
            item.slot = -1
        self._arm()  # before anything that can fail: an error must not stop time
        for item in items:
            try:
                if item.due < now + TICK:
                    item.on_due(now)
                self.watch(item)
            except Exception as error:  # one connection's fault must not keep the others waiting
                self._on_error(error)

    def _arm(self) -> None:
        if self._call_at is None:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._order:
            self._handle = self._call_at(self._order[0] * TICK + 0.001, self.turn)
