"""One event in the hands of a use case."""

from hardy.core import Call, Metadata, Operation, Principal
from hardy.messaging import CALL_ID, Delivery
from hardy.schema import Codec

_LONGEST_ID = 64


class EventCall(Call):
    """A call that an event makes: its message is the event, and nobody waits for a reply."""

    __slots__ = ("_codec", "delivery", "repeated")

    def __init__(self, operation: Operation, delivery: Delivery, message: Codec[object]) -> None:
        envelope = delivery.envelope
        # The same id as the call that published: its line in the log and this one's belong together.
        cause = envelope.headers.get(CALL_ID)
        super().__init__(
            operation,
            "events",
            id=cause if cause and len(cause) <= _LONGEST_ID else None,
            peer=f"topic:{envelope.topic}",
        )
        self.delivery = delivery
        self.repeated = False
        """Whether the event had been dealt with before, so that nothing was done."""
        self._codec = message
        self.principal = Principal(f"topic:{envelope.topic}", kind="service")

    def read_metadata(self) -> Metadata:
        """Return the headers of the envelope."""
        return Metadata(self.delivery.envelope.headers.items())

    async def receive(self) -> object:
        """Decode the event.

        Raises:
            Malformed: It is no JSON.
            InvalidMessage: It is not what the use case takes.
        """
        return self._codec.decode(self.delivery.envelope.data)
