"""Work for later: the ports of a job queue and of claimed ticks, and both in memory.

Floor 2. Knows no database and no chain: `hardy.transport.jobs` carries jobs
out, `hardy.transport.schedule` claims ticks, `hardy.adapters.sql.jobs` keeps
both in a database.

Example:
    >>> import asyncio
    >>> async def main() -> bytes:
    ...     store = MemoryJobs()
    ...     await store.put(NewJob(id="1", queue="mail", use_case="send_receipt", message=b"{}"))
    ...     (job,) = await store.take("mail", ["send_receipt"], limit=1, lease=60)
    ...     await store.done(job)
    ...     return job.message
    >>> asyncio.run(main())
    b'{}'
"""

from hardy.core import publish
from hardy.queueing._job import Job, JobRecord, JobState, NewJob
from hardy.queueing._memory import MemoryClaims, MemoryJobs, MemoryJobsStatistics
from hardy.queueing._notices import JobDied, JobLost, JobRetried, StoreBack, StoreLost, TickMissed
from hardy.queueing._ports import Claims, JobStore
from hardy.queueing._queues import QueuedJobs, Queues

__all__ = [
    "Claims",
    "Job",
    "JobDied",
    "JobLost",
    "JobRecord",
    "JobRetried",
    "JobState",
    "JobStore",
    "MemoryClaims",
    "MemoryJobs",
    "MemoryJobsStatistics",
    "NewJob",
    "QueuedJobs",
    "Queues",
    "StoreBack",
    "StoreLost",
    "TickMissed",
]

publish(__name__, globals())
