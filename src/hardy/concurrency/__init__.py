"""Work beside the event loop, and work that is done once for many.

`in_thread` for the odd blocking call, `Threads` for those that come in numbers; `SingleFlight` for what many want
at the same time.

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
from hardy.concurrency._single_flight import SingleFlight, SingleFlightStatistics, single_flight
from hardy.concurrency._threads import Threads, ThreadStatistics
from hardy.core._module import publish

__all__ = [
    "SingleFlight",
    "SingleFlightStatistics",
    "ThreadStatistics",
    "Threads",
    "in_thread",
    "single_flight",
]

publish(__name__, globals())
