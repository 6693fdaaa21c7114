"""Blocking work beside the event loop.

`in_thread` for the odd call, `Threads` for work that comes in numbers.

Example:
    >>> import asyncio
    >>> from pathlib import Path
    >>> async def main():
    ...     async with Threads(workers=2, waiting=10) as threads:
    ...         return await threads.run(Path("/").exists)
    >>> asyncio.run(main())
    True
"""

from hardy.concurrency._in_thread import in_thread
from hardy.concurrency._threads import Threads, ThreadStatistics
from hardy.core._module import publish

__all__ = ["ThreadStatistics", "Threads", "in_thread"]

publish(__name__, globals())
