"""What a type checker must see of jobs: a wrong message is an error. Checked by basedpyright and mypy, never run.

An ignore that is not needed is an error, too: each one below proves that the line is refused.
"""

from dataclasses import dataclass
from typing import Protocol, assert_type

from hardy import Jobs
from hardy.queueing import MemoryJobs


@dataclass(frozen=True)
class SendReceipt:
    """What a job is told."""

    order_id: int


@dataclass(frozen=True)
class SendGreeting(SendReceipt):
    """More than that."""

    name: str = ""


class Mailer(Protocol):
    """A port."""

    async def send(self, text: str) -> None:
        """Send a text."""
        ...


async def send_receipt(msg: SendReceipt, *, mailer: Mailer) -> None:
    """Need a port, which whoever enqueues does not know."""


async def count(number: int) -> int:
    """Take a plain value."""
    return number


async def no_message(*, mailer: Mailer) -> None:
    """Take nothing."""


def not_async(msg: SendReceipt) -> None:
    """Return nothing to wait for."""


async def enqueueing(jobs: Jobs) -> None:
    """Enqueue what fits, and what does not."""
    assert_type(await jobs.enqueue(send_receipt, SendReceipt(1)), str)
    await jobs.enqueue(send_receipt, SendGreeting(1, "you"), delay=60, priority=2)
    await jobs.enqueue(count, 42)
    await jobs.enqueue(send_receipt, 42)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await jobs.enqueue(count, "many")  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await jobs.enqueue(send_receipt)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await jobs.enqueue(no_message, SendReceipt(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await jobs.enqueue(not_async, SendReceipt(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def in_memory() -> Jobs:
    """Give a test what a use case needs."""
    return MemoryJobs()
