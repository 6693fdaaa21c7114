"""Jobs as a need: a use case has something done later, and not by itself."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

M = TypeVar("M")
P = ParamSpec("P")


class Jobs(Protocol):
    """Has use cases carried out later, by whichever replica is free; a use case asks for ``jobs: Jobs``.

    What is enqueued belongs to the work of the call: it is done when that work
    is kept, and forgotten when the call fails. The use case is bound to its
    queue once, where the service is put together. It runs at least once: after
    a crash it may run again, so its effect must bear that.

    Example:
        >>> async def place_order(sku: str, *, jobs: Jobs) -> None:
        ...     await jobs.enqueue(send_receipt, SendReceipt(sku), delay=60)
    """

    async def enqueue(
        self,
        use_case: Callable[Concatenate[M, P], Awaitable[object]],
        message: M,
        /,
        *,
        delay: float = 0.0,
        priority: int = 0,
    ) -> str:
        """Have *use_case* called with *message*, and return the id of the job.

        Args:
            use_case: The function itself; its needs are its own affair.
            message: What it is called with.
            delay: Seconds to wait before.
            priority: Higher ones of a queue go first, whatever came before them.

        Raises:
            LookupError: The use case is bound to no queue.
            InvalidMessage: The message breaks its rules.
        """
        ...
