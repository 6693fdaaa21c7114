"""Operations called by jobs: ``app.expose(send_receipt, jobs.queue("mail", retries=5), allow=internal)``.

Floor 3. What keeps the jobs is a `hardy.queueing.JobStore`, and what puts them
there the need `hardy.Jobs`: ``await jobs.enqueue(send_receipt, SendReceipt(...))``.

Example:
    >>> from hardy.core import Operation
    >>> async def send_receipt(order_id: int) -> None: ...
    >>> queue("mail", retries=5).check(Operation.of(send_receipt))
    []
    >>> queue("Mail").check(Operation.of(send_receipt))[0].title
    '`Mail` is no name for a queue'
"""

from hardy.core import publish
from hardy.transport.jobs._call import JobCall
from hardy.transport.jobs._check import check
from hardy.transport.jobs._queue import JobQueue, queue
from hardy.transport.jobs._transport import JobsStatistics, Transport

__all__ = ["JobCall", "JobQueue", "JobsStatistics", "Transport", "check", "queue"]

publish(__name__, globals())
