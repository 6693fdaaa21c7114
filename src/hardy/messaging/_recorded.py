"""Events that go nowhere: what a test gives a use case."""


class MemoryEvents:
    """Keeps what is published, for tests to look at: it is `hardy.Events` without a broker.

    Example:
        >>> import asyncio
        >>> events = MemoryEvents()
        >>> asyncio.run(events.publish("something happened"))
        >>> events.published
        ['something happened']
    """

    def __init__(self) -> None:
        self.published: list[object] = []
        """Everything so far, in order."""

    async def publish(self, *events: object) -> None:
        """Keep *events*."""
        self.published += events
