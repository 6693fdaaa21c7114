"""Events between services: envelopes, the ports of a broker, retries, and a broker in memory.

Floor 2. Knows no operation and no database: `hardy.transport.events` runs use
cases for what a `Broker` delivers, `hardy.adapters.sql.outbox` hands what was
committed to a `Publisher`, and adapters such as `hardy.adapters.nats` are both.

Example:
    >>> import asyncio
    >>> async def show(delivery: Delivery) -> Verdict:
    ...     print(delivery.envelope.topic, delivery.envelope.data)
    ...     return Done()
    >>> async def main() -> None:
    ...     broker = MemoryBroker()
    ...     subscription = await broker.subscribe("orders.placed", group="mail", receive=show)
    ...     await broker.publish([Envelope(topic="orders.placed", key="42", data=b'{"order_id":42}')])
    ...     await broker.idle()
    ...     await subscription.close()
    >>> asyncio.run(main())
    orders.placed b'{"order_id":42}'
"""

from hardy.core import publish
from hardy.messaging._catalogue import Catalogue
from hardy.messaging._envelope import CALL_ID, TRACE, Envelope, new_event_id
from hardy.messaging._memory import BrokerStatistics, MemoryBroker
from hardy.messaging._notices import EventDied, EventRetried, OutboxHeldBack, PublisherBack, PublisherLost
from hardy.messaging._once import Once
from hardy.messaging._ports import (
    Again,
    Broker,
    Dead,
    DeadLetter,
    DeadLetters,
    Delivery,
    Done,
    Publisher,
    Receive,
    Subscription,
    Unpublished,
    Verdict,
)
from hardy.messaging._recorded import MemoryEvents
from hardy.messaging._retry import HOPELESS, PATIENT, Retry
from hardy.messaging._topic import Topic

__all__ = [
    "CALL_ID",
    "HOPELESS",
    "PATIENT",
    "TRACE",
    "Again",
    "Broker",
    "BrokerStatistics",
    "Catalogue",
    "Dead",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "Done",
    "Envelope",
    "EventDied",
    "EventRetried",
    "MemoryBroker",
    "MemoryEvents",
    "Once",
    "OutboxHeldBack",
    "Publisher",
    "PublisherBack",
    "PublisherLost",
    "Receive",
    "Retry",
    "Subscription",
    "Topic",
    "Unpublished",
    "Verdict",
    "new_event_id",
]

publish(__name__, globals())
