"""A worker as its parent sees it."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from hardy.app._link import Answer, Ask, Checked, Drain, Drained, Failed, Force, Link, Listen, Ready, Said, ToWorker
from hardy.app._worker import VARIABLE

State = Literal["starting", "checked", "serving", "draining", "ended"]
ANSWER = 1.0
"""Seconds that a worker has to answer a question."""


class Child:
    """One worker: a process of its own, started anew by its command line, and the line to it.

    Args:
        command: What to execute.
        slot: Which of the workers it is, from 1.
        changed: Called when its state or readiness has changed.
        environ: Its environment.
    """

    def __init__(
        self, command: Sequence[str], *, slot: int, changed: Callable[[], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        loop = asyncio.get_running_loop()
        self.slot = slot
        self.state: State = "starting"
        self.born = time.monotonic()
        self.ready = Ready(ready=False)
        self.failed: Failed | None = None
        self.drained: Drained | None = None
        self.killed = False
        self.relieved = False
        self.checked: asyncio.Future[Checked | None] = loop.create_future()
        self.served: asyncio.Future[bool] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()
        self._changed = changed
        self._answers: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._asked = 0
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self.process = subprocess.Popen(  # noqa: S603  # the command line of this very service
                list(command),
                env={**environ, VARIABLE: f"{number}:{os.fstat(number).st_ino}"},
                pass_fds=[number],
                process_group=0,  # Ctrl-C is for the parent, which tells its workers
            )
        self._link = Link(ours, self._heard, lambda: None)

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def describe(self) -> dict[str, object]:
        """Return what operators may want to know of it."""
        facts: dict[str, object] = {"worker": self.slot, "pid": self.pid, "state": self.state, "ready": self.is_ready}
        facts["seconds"] = round(time.monotonic() - self.born, 1)
        return {**facts, "failing": self.ready.failing} if self.ready.failing else facts

    @property
    def is_ready(self) -> bool:
        """Whether calls may be sent to it."""
        return self.state == "serving" and self.ready.ready

    # -- what the parent says

    async def listen(self, message: Listen, sockets: Sequence[socket.socket]) -> None:
        """Have it open the service and serve."""
        await self._say(message, [each.fileno() for each in sockets])

    async def drain(self, *, relieved: bool = False) -> None:
        """Have it finish what is in flight, then end."""
        self.relieved = self.relieved or relieved
        if self.state != "ended":
            self.state = "draining"
            self._changed()
            await self._say(Drain(relieved=relieved))

    async def force(self) -> None:
        """Have it cancel what is still in flight."""
        await self._say(Force())

    def kill(self) -> None:
        """End it without asking."""
        if not self.ended.done():
            self.killed = True
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def ask(self, what: Literal["info", "statistics"]) -> object:
        """Return what it answers; ``None`` when it does not in time."""
        self._asked += 1
        number = self._asked
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER):
                await self._say(Ask(number=number, what=what))
                content: object = msgspec.json.decode(await answer)
                return content
        except TimeoutError:
            return None
        finally:
            del self._answers[number]

    async def _say(self, message: ToWorker, descriptors: Sequence[int] = ()) -> None:
        await self._link.say(message, descriptors)

    # -- what it says

    def _heard(self, message: Said, descriptors: Sequence[int]) -> None:
        match message:
            case Checked():
                self._enter("checked")
                if not self.checked.done():
                    self.checked.set_result(message)
            case Ready():
                self.ready = message
                self._enter("serving")
                if message.ready and not self.served.done():
                    self.served.set_result(True)
            case Failed():
                self.failed = message
            case Drained():
                self.drained = message
            case Answer(number=number, content=content):
                waiting = self._answers.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(content)
            case _:
                pass
        self._changed()

    def _enter(self, state: State) -> None:
        if self.state not in {"draining", "ended"}:
            self.state = state

    async def wait_ended(self, timeout: float) -> bool:
        """Wait until the process is over, at most *timeout* seconds; return whether it is."""
        await asyncio.wait([self.ended], timeout=timeout)
        return self.ended.done()

    def reap(self) -> None:
        """Take note that the process has ended, if it has."""
        code = self.process.poll()
        if code is None or self.ended.done():
            return
        self._link.hear_the_rest()
        self._link.close()
        self.state = "ended"
        self.ended.set_result(code)
        if not self.checked.done():
            self.checked.set_result(None)
        if not self.served.done():
            self.served.set_result(False)
        self._changed()
