"""Events on NATS JetStream: the broker for services of many processes.

Floor 3, extra ``nats``. It is a `hardy.messaging.Broker`: an outbox publishes
to it, use cases bound to topics consume from it.

Example:
    >>> from hardy.messaging import Broker
    >>> Nats(NatsSettings()).port is Broker
    True
"""

from hardy.adapters.nats._nats import Nats, NatsStatistics
from hardy.adapters.nats._settings import NatsSettings
from hardy.core import publish

__all__ = ["Nats", "NatsSettings", "NatsStatistics"]

publish(__name__, globals())
