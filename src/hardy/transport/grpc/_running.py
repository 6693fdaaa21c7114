"""The calls being carried out, so that a server that stops can wait for them."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from hardy.core import Call, Error

T = TypeVar("T")


class Running:
    """Starts the tasks of calls and knows which are not over.

    A call whose client is gone may still be running: gRPC's own server does
    not know it any more, this does.
    """

    __slots__ = ("_calls", "started")

    def __init__(self) -> None:
        self._calls: dict[asyncio.Task[object], Call | None] = {}
        self.started = 0

    def __len__(self) -> int:
        return len(self._calls)

    def start(self, call: Call | None, work: Coroutine[object, object, T]) -> "asyncio.Task[T]":
        """Carry *work* out in a task of its own."""
        task = asyncio.get_running_loop().create_task(work)
        self._calls[task] = call  # pyright: ignore[reportArgumentType]  # only whether it is over is asked
        task.add_done_callback(self._calls.pop)  # pyright: ignore[reportArgumentType]  # as above
        self.started += call is not None
        return task

    async def wait(self, timeout: float | None) -> bool:
        """Wait until no call is left, at most *timeout* seconds; return whether none is."""
        if self._calls:
            await asyncio.wait(tuple(self._calls), timeout=timeout)
        return not self._calls

    def dismiss(self) -> None:
        """Cancel what is no call: conversations that go on for as long as the client likes."""
        for task, call in tuple(self._calls.items()):
            if call is None:
                task.cancel()

    def cancel(self, reason: Error) -> None:
        """Cancel every call with *reason*."""
        for call in tuple(self._calls.values()):
            if call is not None:
                call.cancel(reason)
