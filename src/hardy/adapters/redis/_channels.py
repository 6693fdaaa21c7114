"""Published messages: who listens to which channel."""

from collections.abc import Callable

from hardy.adapters.redis._hiredis import pack_command
from hardy.adapters.redis._wire import Wire

Message = Callable[[bytes], None]
"""Takes a published message. It must be quick and must not raise."""
Gap = Callable[[], None]
"""Told that messages may have been missed up to now."""


class Subscription:
    """Somebody who listens to one channel, until closed."""

    __slots__ = ("_channels", "channel", "gap", "message")

    def __init__(self, channels: "Channels", channel: bytes, message: Message, gap: Gap) -> None:
        self._channels = channels
        self.channel = channel
        self.message = message
        self.gap = gap

    def close(self) -> None:
        """Hear nothing any more."""
        self._channels.leave(self)


class Channels:
    """Hands messages to those who listen, over whatever connection there is at the time."""

    def __init__(self) -> None:
        self._listeners: dict[bytes, list[Subscription]] = {}
        self._wire: Wire | None = None

    def join(self, channel: str, message: Message, gap: Gap) -> Subscription:
        """Listen to *channel*; *gap* is called once it is heard, and again after each interruption."""
        added = Subscription(self, channel.encode(), message, gap)
        self._listeners.setdefault(added.channel, []).append(added)
        self._say(b"SUBSCRIBE", added.channel)  # again does no harm, and is confirmed again
        return added

    def leave(self, subscription: Subscription) -> None:
        """Stop listening."""
        listeners = self._listeners.get(subscription.channel, [])
        if subscription in listeners:
            listeners.remove(subscription)
            if not listeners:
                del self._listeners[subscription.channel]
                self._say(b"UNSUBSCRIBE", subscription.channel)

    def opened(self, wire: Wire) -> None:
        """Listen on a new connection from now on."""
        self._wire = wire
        for channel in self._listeners:
            self._say(b"SUBSCRIBE", channel)

    def interrupted(self) -> None:
        """Tell everybody that nothing is heard for now."""
        self._wire = None
        for subscription in self._all():
            subscription.gap()

    def receive(self, push: list[object]) -> None:
        """Take what the server says without being asked."""
        kind = push[0]
        if kind not in {b"message", b"subscribe"} or not isinstance(channel := push[1], bytes):
            return
        text = push[2]
        for subscription in tuple(self._listeners.get(channel, ())):
            if kind == b"subscribe":
                subscription.gap()
            elif isinstance(text, bytes):
                subscription.message(text)

    def _say(self, verb: bytes, channel: bytes) -> None:
        if self._wire is not None:
            self._wire.say(pack_command((verb, channel)))

    def _all(self) -> list[Subscription]:
        return [subscription for listeners in self._listeners.values() for subscription in listeners]
