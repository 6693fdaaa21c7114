"""Waiting for a reply: for how long, and what becomes of one that comes too late."""

import asyncio
from collections.abc import Callable

from hardy.core import DeadlineExceeded, Unavailable, current_call


class Wait:
    """How somebody waits for a reply.

    Args:
        timeout: Seconds, instead of the settings'.
        late: Takes the reply when it comes after the caller has left. The
            command is then sent in any case.
        past_deadline: Whether the call's deadline is of no account: what is
            cleaned up after a call has to happen all the same.
    """

    __slots__ = ("late", "past_deadline", "timeout")

    def __init__(
        self,
        timeout: float | None = None,
        *,
        late: Callable[[object], None] | None = None,
        past_deadline: bool = False,
    ) -> None:
        self.timeout = timeout
        self.late = late
        self.past_deadline = past_deadline

    def limit(self, usual: float) -> tuple[float, bool]:
        """Return the seconds from now, and whether they are the deadline's."""
        limit = usual if self.timeout is None else self.timeout
        call = None if self.past_deadline else current_call()
        if call is None or (left := call.deadline.remaining()) >= limit:
            return limit, False
        return max(left, 0.0), True


def too_late(*, by_deadline: bool) -> DeadlineExceeded | Unavailable:
    """Return the error of a command whose time ran out."""
    if by_deadline:
        return DeadlineExceeded("the deadline passed while the shared store was asked")
    return Unavailable("the shared store did not answer in time", retry_after=1)


def expire(reply: "asyncio.Future[object]", by_deadline: bool) -> None:  # noqa: FBT001 - called by a timer
    """End the wait for *reply*."""
    if not reply.done():
        reply.set_exception(too_late(by_deadline=by_deadline))


def minded(reply: "asyncio.Future[object]", late: Callable[[object], None]) -> "asyncio.Future[object]":
    """Return what a caller can await and leave, while *reply* itself goes on to *late*."""
    caller: asyncio.Future[object] = reply.get_loop().create_future()

    def pass_on(reply: "asyncio.Future[object]") -> None:
        error = reply.exception()
        if caller.done():
            if error is None:
                late(reply.result())
        elif error is not None:
            caller.set_exception(error)
        else:
            caller.set_result(reply.result())

    reply.add_done_callback(pass_on)
    return caller


def noted(reply: "asyncio.Future[object]") -> None:
    """Take note of an error that nobody waits for."""
    if not reply.cancelled():
        reply.exception()
