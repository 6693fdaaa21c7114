"""Operations called by events: ``app.expose(project, events.topic("orders.placed"), allow=internal)``.

Floor 3. What delivers the events is a `hardy.messaging.Broker`; what is
published in a transaction goes through `hardy.adapters.sql.outbox`.

Example:
    >>> from hardy.core import Operation
    >>> async def project_order(order_id: int) -> None: ...
    >>> topic("orders.placed").check(Operation.of(project_order))
    []
    >>> topic("orders.placed").group_of("orders", Operation.of(project_order))
    'orders.project_order'
"""

from hardy.core import publish
from hardy.transport.events._call import EventCall
from hardy.transport.events._check import check
from hardy.transport.events._once import marked, once
from hardy.transport.events._topic import EventTopic, topic
from hardy.transport.events._transport import EventsStatistics, Transport

__all__ = ["EventCall", "EventTopic", "EventsStatistics", "Transport", "check", "marked", "once", "topic"]

publish(__name__, globals())
