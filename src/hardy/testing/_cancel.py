"""Cancels a use case at each of its await points, and looks what that leaves behind."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Literal, cast

from hardy.app import App, Assembly
from hardy.core import Call, Cancelled, Error, Operation, Principal
from hardy.testing._client import Client
from hardy.testing._left import GAUGES, KEPT_ALIVE, Census, census, difference
from hardy.testing._open import Transport, opened
from hardy.testing._suspensions import Suspensions
from hardy.testing._tokens import MemoryTokens

_LOOKS, _STILL = 400, 5
_SETTLE = 2.0
"""Seconds in which what a cancelled call had must be given back."""

Stream = Callable[..., AsyncGenerator[object, None]]
Prepare = Callable[[Client], Awaitable[Sequence[object]]]
"""Gets everything ready for one attempt and returns the use case's arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellations:
    """What was tried."""

    points: tuple[str, ...]
    """Where the call was cancelled, in order: the innermost line that awaited."""
    finished: int
    """Attempts that were answered all the same, for they were past the point of return."""


async def cancel_everywhere(  # noqa: PLR0913  # each by name, and with a default
    app: App,
    use_case: Callable[..., object],
    *given: object,
    prepare: Prepare | None = None,
    caller: Principal | None = None,
    transport: Transport = "direct",
    by: Literal["call", "client"] = "call",
    items: int = 2,
    gauges: Collection[str] = GAUGES,
    timeout: float = 10.0,
) -> Cancellations:
    """Call *use_case* again and again, cancelled at its first suspension, its second, and so on until it ends before.

    A suspension is each time that the call's task really waits, authentication,
    opening and closing of the scope included. After each cancellation, tasks,
    threads, file descriptors, calls in flight and what components lend (their
    ``statistics()``) must be back where they were, the caller must
    have been told CANCELLED or the reply, and the same call, left alone, must succeed.

    Args:
        app: What is served, as to `client`.
        use_case: The function that was exposed.
        given: Its positional arguments; a stream of messages comes from *prepare*.
        prepare: Awaited before each attempt; returns the arguments. For what can
            be done once only, and for streams.
        caller: Who calls.
        transport: How calls travel.
        by: ``"call"`` cancels as a deadline or a shutdown does, ``"client"``
            has the client hang up.
        items: Items that are taken of a stream of replies before it is closed.
        gauges: Names of statistics that say how it is now.
        timeout: Seconds for one attempt.

    Raises:
        AssertionError: At the first point that leaves something behind: which await
            it was, and what is left.

    Example:
        >>> import asyncio
        >>> from hardy import App, public
        >>> from hardy.testing import cancel_everywhere
        >>> async def nap() -> None:
        ...     await asyncio.sleep(0)
        ...     await asyncio.sleep(0)
        >>> app = App("naps")
        >>> app.expose(nap, allow=public)
        >>> len(asyncio.run(cancel_everywhere(app, nap)).points)
        2
    """
    tokens = MemoryTokens()
    suspensions = Suspensions(use_case.__name__)
    assembly = Assembly(app, log=io.StringIO(), authenticators=[tokens], check_replies=True, around=[suspensions])
    async with opened(assembly, transport, tokens, caller) as client:
        trial = _Trial(assembly, client, suspensions, use_case, items=items, timeout=timeout)
        arguments = prepare or _always(given)
        for _ in range(2):  # what is made once is made now: connections, caches, threads
            await trial.succeed(await arguments(client))
        before = await trial.settled(gauges)
        if transport != "direct":
            before[0].update(KEPT_ALIVE)
        points: list[str] = []
        while await trial.cancelled(len(points) + 1, await arguments(client), by):
            points.append(suspensions.where[0] if suspensions.where else "?")
            await trial.compare(len(points), before, gauges)
            await trial.succeed(await arguments(client), after=len(points))
        return Cancellations(points=tuple(points), finished=trial.finished)


def _always(given: Sequence[object]) -> Prepare:
    async def arguments(client: Client) -> Sequence[object]:
        return given

    return arguments


class _Trial:
    def __init__(
        self,
        assembly: Assembly,
        client: Client,
        suspensions: Suspensions,
        use_case: Callable[..., object],
        *,
        items: int,
        timeout: float,
    ) -> None:
        self.assembly = assembly
        self.client = client
        self.suspensions = suspensions
        self.use_case = use_case
        self.operation: Operation = assembly.operation(use_case)
        self.items = items
        self.timeout = timeout
        self.finished = 0

    async def attempt(self, arguments: Sequence[object]) -> None:
        """Call once; of a stream take so many items and hang up."""
        if not self.operation.kind.streams_out:
            await self.client.call(cast("Callable[..., Awaitable[object]]", self.use_case), *arguments)
            return
        use_case = cast("Callable[..., AsyncIterator[object]]", self.use_case)
        stream = cast("Stream", self.client.stream)(use_case, *arguments)
        async with aclosing(stream) as replies:
            left = self.items
            async for _ in replies:
                left -= 1
                if not left:
                    return

    async def succeed(self, arguments: Sequence[object], after: int = 0) -> None:
        """Call once, undisturbed."""
        self.suspensions.disarm()
        try:
            async with asyncio.timeout(self.timeout):
                await self.attempt(arguments)
        except (Error, TimeoutError) as error:
            told = "did not end" if isinstance(error, TimeoutError) else f"failed with {error!r}"
            when = self._point(after) if after else "before anything was cancelled"
            raise AssertionError(f"{self.operation.name}, left alone, {told} {when}") from error

    async def cancelled(self, at: int, arguments: Sequence[object], by: str) -> bool:
        """Call once and cancel at the *at*-th suspension; return whether there was one."""
        loop = asyncio.get_running_loop()
        attempt = asyncio.create_task(self.attempt(arguments))

        def act(call: Call) -> None:
            # Not at once: the task is in the middle of beginning to wait.
            if by == "call":
                loop.call_soon(call.cancel, Cancelled("cancelled by the test"))
            else:
                loop.call_soon(attempt.cancel)

        self.suspensions.arm(at, act)
        done, _ = await asyncio.wait({attempt}, timeout=self.timeout)
        self.suspensions.disarm()
        if not done:
            attempt.cancel()
            with suppress(asyncio.CancelledError, Error):
                await attempt
            raise AssertionError(f"{self.operation.name} did not end within {self.timeout:g} s {self._point(at)}")
        error = None if attempt.cancelled() else attempt.exception()
        if error is None:
            self.finished += not attempt.cancelled()
        elif not (isinstance(error, Cancelled) and self.suspensions.met):
            raise AssertionError(f"{self.operation.name} was answered {error!r} {self._point(at)}") from error
        return self.suspensions.met

    async def settled(self, gauges: Collection[str]) -> Census:
        """Return what there is once it does not change any more."""
        before, same = census(self.assembly, gauges), 0
        for _ in range(_LOOKS):
            await asyncio.sleep(0.005)
            now = census(self.assembly, gauges)
            same = same + 1 if now == before else 0
            before = now
            if same == _STILL:  # what runs in the background has paused, too
                break
        return before

    async def compare(self, at: int, before: Census, gauges: Collection[str]) -> None:
        """Wait until everything is back where it was."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _SETTLE
        while left := difference(before, census(self.assembly, gauges)):
            if loop.time() > due:
                lines = "\n  ".join(left)
                raise AssertionError(f"{self.operation.name} left something behind {self._point(at)}\n  {lines}")
            await asyncio.sleep(0.001)

    def _point(self, at: int) -> str:
        where = "".join(f"\n    {each}" for each in self.suspensions.where)
        return f"when it was cancelled at suspension {at}:{where}"
