"""Operations called by the clock: ``app.expose(expire_orders, schedule.cron("*/5 * * * *"), allow=internal)``.

Floor 3, extra ``schedule``. Each tick is carried out by one of all replicas;
which one, `hardy.queueing.Claims` knows.

Example:
    >>> from hardy.core import Operation
    >>> async def expire_orders() -> None: ...
    >>> cron("*/5 * * * *", timezone="Europe/Berlin").check(Operation.of(expire_orders))
    []
    >>> cron("61 * * * *").check(Operation.of(expire_orders))[0].title
    '"61 * * * *" of `expire_orders` says no time: bad minute'
"""

from hardy.core import publish
from hardy.transport.schedule._cron import Cron, Misfire, cron
from hardy.transport.schedule._runner import ScheduleCall
from hardy.transport.schedule._transport import ScheduleStatistics, Transport

__all__ = [
    "Cron",
    "Misfire",
    "ScheduleCall",
    "ScheduleStatistics",
    "Transport",
    "cron",
]

publish(__name__, globals())
