"""One serving process as `hardy dev` sees it: asked for sockets, waited for, brought to its end."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Self, cast

from hardy.tools.cli._sockets import Wanted

PATIENCE = 2.0
"""Seconds until calls in flight are cancelled: the signal is sent again."""
LAST = 1.0
"""Seconds more until the process group is killed."""

Give = Callable[[Sequence[Wanted]], Mapping[Wanted, list[socket.socket]]]
"""Opens sockets, or raises `OSError`."""


class Child:
    """A process in a group of its own; Ctrl-C in the terminal reaches the parent alone.

    Args:
        told: What it serves.
        give: Where its sockets come from.
    """

    def __init__(self, told: Mapping[str, object], give: Give) -> None:
        self.wanted: tuple[Wanted, ...] = ()
        """Where it listens, once it has asked."""
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self._told = told
        self._give = give
        self._process: asyncio.subprocess.Process
        self._channel: socket.socket
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> Self:
        """Start the process; it is not `ready` yet."""
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "hardy.tools.cli._dev_child",
                str(theirs.fileno()),
                json.dumps(self._told),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        self._tasks = [asyncio.create_task(self._answer()), asyncio.create_task(self._wait())]
        return self

    @property
    def exit_code(self) -> int:
        """How it ended; 128 and the signal's number when one ended it."""
        code = self._process.returncode or 0
        return code if code >= 0 else 128 - code

    async def _wait(self) -> None:
        await self._process.wait()
        self.ended.set()

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        rest = b""
        while data := await loop.sock_recv(self._channel, 65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._read(cast("dict[str, object]", json.loads(line)))

    def _read(self, message: Mapping[str, object]) -> None:
        if "ready" in message:
            self.ready.set()
            return
        places = cast("dict[str, tuple[str, int]]", message["listen"])
        self.wanted = tuple((name, host, port) for name, (host, port) in places.items())
        try:
            given = self._give(self.wanted)
        except OSError:
            self.wanted = ()
            self._channel.send(b'{"counts": null}')
            return
        counts = {name: len(sockets) for (name, _, _), sockets in given.items()}
        descriptors = [sock.fileno() for sockets in given.values() for sock in sockets]
        socket.send_fds(self._channel, [json.dumps({"counts": counts}).encode()], descriptors)

    async def settle(self) -> bool:
        """Wait until it serves or has ended; return whether it serves."""
        waiting = [asyncio.create_task(each.wait()) for each in (self.ready, self.ended)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return self.ready.is_set() and not self.ended.is_set()

    async def stop(self, force: asyncio.Event | None = None) -> None:
        """Let it drain; what is in flight after two seconds is cancelled, after one more it is killed.

        Args:
            force: Set it to wait no longer.
        """
        for seconds in (PATIENCE, LAST):
            self._signal(signal.SIGTERM)
            if await _within(seconds, self.ended, force):
                break
        else:
            self._signal(signal.SIGKILL)
        await self.ended.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._channel.close()

    def _signal(self, number: signal.Signals) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


async def _within(seconds: float, ended: asyncio.Event, force: asyncio.Event | None) -> bool:
    """Wait for *ended*, at most *seconds*, and not when *force* is set; return whether it came."""
    waiting = [asyncio.create_task(each.wait()) for each in (ended, force) if each is not None]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return ended.is_set()
