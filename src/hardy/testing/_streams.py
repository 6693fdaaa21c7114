"""Streams made of what a test has at hand."""

from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def stream_of(*items: T) -> AsyncIterator[T]:
    """Yield *items*: the message of a client stream.

    Example:
        >>> [item async for item in stream_of(1, 2)]
        [1, 2]
    """
    for item in items:
        yield item
