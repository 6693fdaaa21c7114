"""Events as a need: a use case tells what has happened, and not whom."""

from typing import Protocol


class Events(Protocol):
    """Publishes the facts of the user's domain; a use case asks for ``events: Events``.

    What is published belongs to the work of the call: it is told to others when
    that work is kept, and forgotten when the call fails. Which class goes to
    which topic is said once, where the service is put together.

    Example:
        >>> async def place_order(sku: str, *, events: Events) -> None:
        ...     await events.publish(OrderPlaced(sku))
    """

    async def publish(self, *events: object) -> None:
        """Publish *events*, in this order.

        Raises:
            TypeError: The class of an event has no topic.
        """
        ...
