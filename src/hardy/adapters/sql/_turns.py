"""One at a time, at no cost when nobody else is there."""

import asyncio
from collections import deque


class Turns:
    """A lock that costs no coroutine while it is free: take it by ``turns.busy = True`` then, else await `take`."""

    __slots__ = ("_waiting", "busy")

    def __init__(self) -> None:
        self.busy = False
        self._waiting: deque[asyncio.Future[None]] | None = None

    async def take(self) -> None:
        """Wait for one's turn."""
        while self.busy:
            if self._waiting is None:
                self._waiting = deque()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except BaseException:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:  # it was our turn, and now it is the next one's
                    self._wake()
                raise
        self.busy = True

    def give(self) -> None:
        """Let the next one have a turn."""
        self.busy = False
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        while self._waiting and not self.busy:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def __aenter__(self) -> None:
        """Wait for one's turn."""
        await self.take()

    async def __aexit__(self, *_: object) -> None:
        """Let the next one have a turn."""
        self.give()
